"""The command line: `dashboard` and its commands."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NoReturn

import click

from dashboard import month_commands  # noqa: F401 - its commands join those of export
from dashboard.access import Role
from dashboard.export_commands import export as export_group
from dashboard.intake import pointer
from dashboard.intake.commands import demo as demo_command
from dashboard.intake.commands import import_command
from dashboard.intake.commands import mapping as mapping_group
from dashboard.intake.contract import SCHEMA_VERSION, DeliveryError
from dashboard.intake.extracts import extracts as extracts_command
from dashboard.intake.extracts import schema_version
from dashboard.intake.reference import load_reference
from dashboard.report_commands import report as report_command
from dashboard.settings import QUERIES, REFERENCE, Settings
from dashboard.sign_in_commands import new_link, reset_link, reset_second_factor, set_identity
from dashboard.state_commands import audit as audit_command
from dashboard.state_commands import operator
from dashboard.state_commands import state as state_command
from dashboard.token_commands import tokens as tokens_group

if TYPE_CHECKING:
    from dashboard.state import Store, UserRecord
    from dashboard.warehouse import Catalogue


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Infusion dashboard: bookings, service mix and safety of the clinics.

    \b
    See it with made-up data:   dashboard serve --demo
    Use your own data:          dashboard import path/to/delivery
                                dashboard users add ada --role admin
                                dashboard serve

    Everything that is not code lies in the folder that DASHBOARD_DATA names (data/ unless set).

    \b
    Exit codes: 0 done, 1 it failed (standard error says what, where and what to do),
    2 the command was not understood.
    """


main.add_command(demo_command)
main.add_command(import_command)
main.add_command(mapping_group)
main.add_command(state_command)
main.add_command(audit_command)
main.add_command(extracts_command)
main.add_command(report_command)
main.add_command(export_group)
main.add_command(tokens_group)


# --- serve -----------------------------------------------------------------------------------


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8501, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option(
    "--demo",
    is_flag=True,
    help="Before, make demo data if there are none that this version reads, and demo accounts if there is no user.",
)
@click.pass_context
def serve(context: click.Context, host: str, port: int, demo: bool) -> None:
    """Serve the dashboard until stopped by Ctrl-C or SIGTERM.

    /healthz answers once it is ready. Demo data and demo accounts are served on this machine
    only: their password is public.

    \b
    Example:
        dashboard serve --demo
        dashboard serve --port 9000
    """
    settings = _settings()
    _refuse_public_demo(settings, host, demo)
    _require_free(host, port)
    if demo:
        _prepare_demo(context, settings)
    from dashboard import server
    from dashboard.state import StateError

    try:
        server.serve(settings, host, port, ready=partial(_announce, settings, host, port))
    except StateError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        click.echo("Stopped.")


def _prepare_demo(context: click.Context, settings: Settings) -> None:
    """Make the demo delivery, extract and accounts where they are missing."""
    from dashboard.state.demo import add_demo_accounts

    if _lacks_demo(settings):
        delivery = settings.deliveries / "demo"
        context.invoke(demo_command, directory=delivery)
        # In a process of its own: DuckDB's threads of an import don't outlive it to trouble the server's end.
        program = [sys.executable, "-c", "from dashboard.cli import main; main()", "import", str(delivery)]
        if subprocess.run(program, check=False).returncode:  # noqa: S603
            _fail("The demo data could not be imported; see above.")
    with _store(settings) as store:
        if not store.list_users():
            add_demo_accounts(store.by(operator()))


def _lacks_demo(settings: Settings) -> bool:
    """Whether there is no extract, or one with demo data that this version can't read. A clinic's own data stay."""
    try:
        named = pointer.current(settings.extracts)
    except pointer.ExtractError:
        return False  # the server says so, and serves the last good one
    if named is None:
        return True
    if not named.demo or (version := schema_version(named.path)) in {SCHEMA_VERSION, None}:
        return False
    click.echo(f"The demo data have schema version {version}, this program reads {SCHEMA_VERSION}: making them anew.")
    return True


def _refuse_public_demo(settings: Settings, host: str, demo: bool) -> None:
    """Demo accounts and data stay on this machine."""
    if _is_loopback(host):
        return
    with _store(settings) as store:
        accounts = [user.username for user in store.demo_accounts()]
    if demo:
        _fail(f"--demo does not go with --host {host}: the password of the demo accounts is public.")
    if accounts:
        _fail(
            f"Demo accounts have a public password and are not served on {host}. Disable each with "
            f"'dashboard users disable NAME' or give it a password with 'dashboard users "
            f"reset-password NAME': {', '.join(accounts)}."
        )
    catalogue = _catalogue(settings)
    if catalogue is not None and catalogue.demo:
        _fail(
            f"The extract {catalogue.name} in {settings.extracts} holds demo data and is not served "
            f"on {host}. Import your own delivery with 'dashboard import DIR'."
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _require_free(host: str, port: int) -> None:
    """Say what is wrong with the address before anything else is set up."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            _fail(
                f"Cannot listen on {host}, port {port}: {error.strerror}. Stop what uses it, "
                f"or choose another port: dashboard serve --port {min(port + 1, 65535)}"
            )


def _announce(settings: Settings, host: str, port: int) -> None:
    """Tell where the dashboard is, once it answers."""
    shown = f"[{host}]" if ":" in host else host
    click.echo(f"Infusion dashboard: http://{shown}:{port}  (Ctrl-C stops it)")
    with _store(settings) as store:
        people, accounts = store.list_users(), store.demo_accounts()
    if accounts:
        from dashboard.state.passwords import DEMO_PASSWORD

        click.echo(f"Demo accounts, each with the password {DEMO_PASSWORD}:")
        for user in accounts:
            click.echo(f"  {user.username:<18}{user.role.label}, {_sites_text(user)}")
    if not people:
        click.echo("Nobody can sign in yet: add a user with 'dashboard users add NAME --role ROLE'.")


# --- check -----------------------------------------------------------------------------------


class _Problem(Exception):  # noqa: N818 - a finding, not an error of the program
    """What a check found, with what to do about it."""


@main.command()
def check() -> None:
    """Check what the dashboard needs, one line each; exit code 1 if something is missing.

    \b
    Example:
        dashboard check
    """
    settings = _settings()
    checks: list[tuple[str, Callable[[Settings], str]]] = [
        ("data folder", _check_folder),
        ("state store", _check_store),
        ("audit record", _check_record),
        ("users", _check_users),
        ("reference tables", _check_reference),
        ("queries", _check_queries),
        ("extract", _check_extract),
    ]
    problems = 0
    for name, run in checks:
        try:
            verdict, finding = "ok", run(settings)
        except _Problem as problem:
            verdict, finding = "problem", str(problem)
            problems += 1
        click.echo(f"{verdict:<9}{name:<18}{finding}")
    sys.exit(1 if problems else 0)


def _check_folder(settings: Settings) -> str:
    for folder in (settings.data, settings.state):
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise _Problem(f"{folder} cannot be made ({error.strerror}); set DASHBOARD_DATA") from None
        if not os.access(folder, os.W_OK):
            raise _Problem(f"{folder} cannot be written; change its owner, or set DASHBOARD_DATA")
    return str(settings.data)


def _opened(settings: Settings) -> Store:
    """The store, or what is wrong with it as a finding."""
    from dashboard.state import StateError, Store

    try:
        return Store.for_settings(settings)
    except (StateError, OSError) as error:
        raise _Problem(str(error)) from None


def _check_store(settings: Settings) -> str:
    with _opened(settings) as store:
        store.ping()
        return store.database.name


def _check_record(settings: Settings) -> str:
    from dashboard.state import StateError

    try:
        with _opened(settings) as store:
            verdict = store.audit.verify()
    except StateError as error:
        raise _Problem(str(error)) from None
    if verdict.fault:
        raise _Problem(verdict.fault)
    return f"{verdict.entries:,} entries, as they were written"


def _check_users(settings: Settings) -> str:
    try:
        with _opened(settings) as store:
            people = [user for user in store.list_users() if not user.disabled]
    except _Problem:
        raise _Problem("unknown, because the state store cannot be read") from None
    if not people:
        raise _Problem("nobody can sign in; run: dashboard users add NAME --role ROLE")
    return f"{len(people)} can sign in, {sum(user.demo for user in people)} of them demo accounts"


def _check_reference(_settings: Settings) -> str:
    try:
        tables = load_reference()
    except DeliveryError as error:
        raise _Problem(str(error)) from None
    return f"{len(tables.sites)} sites, {len(tables.services)} services in {REFERENCE}"


def _check_queries(_settings: Settings) -> str:
    from dashboard.warehouse import WarehouseError, queries

    try:
        found = len(queries())
    except (WarehouseError, OSError) as error:
        raise _Problem(f"{error}") from None
    if not found:
        raise _Problem(f"{QUERIES} holds no .sql file; restore it from the repository")
    return f"{found} in {QUERIES}"


def _check_extract(settings: Settings) -> str:
    from dashboard.warehouse import Warehouse, WarehouseError

    try:
        named = pointer.current(settings.extracts)
        if named is None:
            raise _Problem("there is none; run: dashboard import DIR, or: dashboard serve --demo")
        with named.path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != named.sha256:
            raise _Problem(f"{named.path} was changed after it was built; import the delivery again")
        warehouse = Warehouse(named.path, settings)
    except (pointer.ExtractError, WarehouseError, OSError) as error:
        raise _Problem(str(error)) from None
    catalogue = warehouse.catalogue
    warehouse.close()
    kind = "demo data" if catalogue.demo else "data"
    return f"{named.name}, {kind} from {catalogue.first_day} to {catalogue.last_day}"


# --- users -----------------------------------------------------------------------------------

_role_option = click.option(
    "--role", required=True, type=click.Choice([role.value for role in Role]), help="What the person does."
)
_site_option = click.option(
    "--site", "site", multiple=True, metavar="SITE", help="A site they may see; repeat it for several."
)
_all_sites_option = click.option(
    "--all-sites", is_flag=True, help="Every site; what all but managers get if no --site is given."
)
_stdin_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input, one line."
)


@main.group()
def users() -> None:
    """Who can sign in, and what they may see.

    A change of password, role or sites, and disabling, end the person's sessions at once.

    \b
    Example:
        dashboard users add ada --role manager --site chicago --name "Ada Park"
        dashboard users list
    """


for command in (reset_link, reset_second_factor, set_identity):
    users.add_command(command)


@users.command("add")
@click.argument("username")
@_role_option
@_site_option
@_all_sites_option
@click.option("--name", help="Name as the dashboard shows it.  [default: the user name]")
@_stdin_option
@click.option("--invite", is_flag=True, help="Ask for no password; print a link with which the user sets one.")
def users_add(
    username: str,
    role: str,
    site: tuple[str, ...],
    all_sites: bool,
    name: str | None,
    password_stdin: bool,
    invite: bool,
) -> None:
    """Add a user; asks for the password twice, or prints a link to set one.

    \b
    Example:
        dashboard users add ada --role manager --site chicago --site dallas
        dashboard users add kim --role medical_director --invite
        dashboard users add lee --role finance --password-stdin < password.txt
    """
    if invite and password_stdin:
        raise click.UsageError("--invite and --password-stdin exclude each other.")
    settings = _settings()
    sites = _chosen_sites(settings, Role(role), site, all_sites)
    password = None if invite else _read_password(password_stdin)
    user = _change(settings, lambda store: store.add_user(username, Role(role), password, sites=sites, name=name))
    click.echo(f"Added {user.username}: {user.role.label}, {_sites_text(user)}.")
    if invite:
        with _store(settings) as store:
            address = new_link(settings, store.by(operator()), user.username)
        click.echo(f"To set a password, once and within 24 hours: {address}")


@users.command("list")
def users_list() -> None:
    """List the users with role, sites and state.

    \b
    Example:
        dashboard users list
    """
    with _store(_settings()) as store:
        people = store.list_users()
    for user in people:
        state = "disabled" if user.disabled else "demo" if user.demo else ""
        line = f"{user.username:<24}{user.role.value:<18}{_sites_text(user):<24}{user.name:<24}{state}"
        click.echo(line.rstrip())
    if not people:
        click.echo("No users yet. Add one: dashboard users add NAME --role ROLE", err=True)


@users.command("disable")
@click.argument("username")
def users_disable(username: str) -> None:
    """Refuse a user from now on.

    \b
    Example:
        dashboard users disable ada
    """
    user = _change(_settings(), lambda store: store.disable(username))
    click.echo(f"Disabled {user.username}; their sessions have ended.")


@users.command("enable")
@click.argument("username")
def users_enable(username: str) -> None:
    """Admit a disabled user again.

    \b
    Example:
        dashboard users enable ada
    """
    user = _change(_settings(), lambda store: store.enable(username))
    click.echo(f"Enabled {user.username}.")


@users.command("reset-password")
@click.argument("username")
@_stdin_option
def users_reset_password(username: str, password_stdin: bool) -> None:
    """Set a new password; asks for it twice.

    \b
    Example:
        dashboard users reset-password ada
    """
    settings = _settings()
    password = _read_password(password_stdin)
    user = _change(settings, lambda store: store.reset_password(username, password))
    click.echo(f"{user.username} has a new password; their sessions have ended.")


@users.command("set-role")
@click.argument("username")
@_role_option
@_site_option
@_all_sites_option
def users_set_role(username: str, role: str, site: tuple[str, ...], all_sites: bool) -> None:
    """Give a user another role and other sites.

    \b
    Example:
        dashboard users set-role ada --role manager --site miami_beach
    """
    settings = _settings()
    sites = _chosen_sites(settings, Role(role), site, all_sites)
    user = _change(settings, lambda store: store.set_role(username, Role(role), sites))
    click.echo(f"{user.username} is {user.role.label} now, {_sites_text(user)}; their sessions have ended.")


def _chosen_sites(settings: Settings, role: Role, named: tuple[str, ...], all_sites: bool) -> tuple[str, ...] | None:
    """The sites named on the command line, checked; None for every site."""
    if named and all_sites:
        raise click.UsageError("--site and --all-sites exclude each other.")
    if role is Role.MANAGER and not named and not all_sites:
        raise click.UsageError("A manager needs a site: --site SITE, repeated for several, or --all-sites.")
    if not named:
        return None
    known = _known_sites(settings)
    if unknown := sorted(set(named) - set(known)):
        raise click.UsageError(f"There is no site {', '.join(unknown)}. Sites: {', '.join(known)}.")
    return named


def _known_sites(settings: Settings) -> tuple[str, ...]:
    """The sites of the extract in use, or of the reference tables while there is none."""
    catalogue = _catalogue(settings)
    if catalogue is not None:
        return tuple(catalogue.sites)
    try:
        return tuple(site.site for site in load_reference().sites)
    except DeliveryError as error:
        _fail(str(error))


def _read_password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt="Once more")
    return password


def _change(settings: Settings, change: Callable[[Store], UserRecord]) -> UserRecord:
    """Change a user, or end with what the store says."""
    from dashboard.state import StateError

    with _store(settings) as store:
        try:
            return change(store.by(operator()))
        except StateError as error:
            _fail(str(error))


def _sites_text(user: UserRecord) -> str:
    return "all sites" if user.sites is None else ", ".join(user.sites)


# --- shared ----------------------------------------------------------------------------------


def _settings() -> Settings:
    try:
        return Settings.from_environment()
    except ValueError as error:
        _fail(f"{error}; correct the variable, or unset it.")


def _store(settings: Settings) -> Store:
    # Imported here: it takes a second, which `--help` shouldn't.
    from dashboard.state import StateError, Store

    try:
        return Store.for_settings(settings)
    except StateError as error:
        _fail(str(error))


def _catalogue(settings: Settings) -> Catalogue | None:
    """What the extract in use holds, or None while there is none; ends where it can't be read."""
    from dashboard.warehouse import Warehouse, WarehouseError

    try:
        named = pointer.current(settings.extracts)
        if named is None:
            return None
        warehouse = Warehouse(named.path, settings)
    except (pointer.ExtractError, WarehouseError) as error:
        _fail(f"{error}")
    warehouse.close()
    return warehouse.catalogue


def _fail(message: str) -> NoReturn:
    click.echo(f"Error: {message}", err=True)
    sys.exit(1)
