"""The command line: `dashboard` and its commands."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sized
from functools import partial
from importlib import metadata
from typing import TYPE_CHECKING

import click

from dashboard import folders, locks
from dashboard.commands import keys
from dashboard.commands import months as month_commands  # noqa: F401 - its commands join those of export
from dashboard.commands.alerts import alerts as alerts_group
from dashboard.commands.exports import export as export_group
from dashboard.commands.reports import report as report_command
from dashboard.commands.state import audit as audit_command
from dashboard.commands.state import state as state_command
from dashboard.commands.tokens import tokens as tokens_group
from dashboard.commands.users import sites_text
from dashboard.commands.users import users as users_group
from dashboard.intake import pointer
from dashboard.intake.commands import demo as demo_command
from dashboard.intake.commands import import_command
from dashboard.intake.commands import mapping as mapping_group
from dashboard.intake.contract import DEFINITIONS_VERSION, SCHEMA_VERSION, DeliveryError
from dashboard.intake.extracts import extracts as extracts_command
from dashboard.intake.extracts import schema_version
from dashboard.intake.reference import load_reference
from dashboard.settings import QUERIES, REFERENCE, Settings, is_loopback
from dashboard.terminal import Commands, catalogue_of, fail, operator, settings_in_force, store_of

if TYPE_CHECKING:
    from dashboard.state import Store

#: The package's name in its own metadata.
PACKAGE = "infusion-dashboard"


def _show_version(context: click.Context, _option: click.Parameter, asked: bool) -> None:
    if not asked or context.resilient_parsing:
        return
    try:
        version = metadata.version(PACKAGE)
    except metadata.PackageNotFoundError:
        version = "not installed"  # run from a checkout alone
    click.echo(f"{PACKAGE} {version}, schema {SCHEMA_VERSION}, definitions {DEFINITIONS_VERSION}")
    context.exit()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version, that of the extract's tables and that of the definitions.",
)
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
    # Patients' rows are for the owner and their group, also in files of libraries that ask for nothing of the kind.
    os.umask(os.umask(0o077) | 0o027)


main.add_command(demo_command)
main.add_command(import_command)
main.add_command(mapping_group)
main.add_command(users_group)
main.add_command(state_command)
main.add_command(audit_command)
main.add_command(extracts_command)
main.add_command(report_command)
main.add_command(export_group)
main.add_command(tokens_group)
main.add_command(alerts_group)


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
    settings = settings_in_force()
    _refuse_public_demo(settings, host, demo)
    _require_free(host, port)
    if demo:
        _prepare_demo(context, settings)
        _require_free(host, port)  # which another start may have taken meanwhile
    from dashboard import server
    from dashboard.state import StateError

    try:
        server.serve(settings, host, port, ready=partial(_announce, settings, host, port))
    except StateError as error:
        fail(str(error))
    except KeyboardInterrupt:
        click.echo("Stopped.")


def _prepare_demo(context: click.Context, settings: Settings) -> None:
    """Make the demo delivery, extract and accounts where they are missing; of two starts at once the second waits."""
    from dashboard.state.demo import add_demo_accounts

    if wrong := folders.fault(settings.state):
        fail(wrong)
    folders.make(settings.data)
    waits = partial(click.echo, "Another start is making the demo data: waiting for it ...")
    with locks.alone(settings.data / ".demo.lock", waits):
        if _lacks_demo(settings):
            delivery = settings.deliveries / "demo"
            context.invoke(demo_command, directory=delivery)
            # In a process of its own: DuckDB's threads of an import don't outlive it to trouble the server's end.
            program = [sys.executable, "-m", "dashboard", "import", str(delivery)]
            if subprocess.run(program, check=False).returncode:  # noqa: S603
                fail("The demo data could not be imported; see above.")
        with store_of(settings) as store:
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
    if is_loopback(host):
        return
    with store_of(settings) as store:
        accounts = [user.username for user in store.demo_accounts()]
    if demo:
        fail(f"--demo does not go with --host {host}: the password of the demo accounts is public.")
    if accounts:
        fail(
            f"Demo accounts have a public password and are not served on {host}. Disable each with "
            f"'dashboard users disable NAME' or give it a password with 'dashboard users "
            f"reset-password NAME': {', '.join(accounts)}."
        )
    catalogue = catalogue_of(settings)
    if catalogue is not None and catalogue.demo:
        fail(
            f"The extract {catalogue.name} in {settings.extracts} holds demo data and is not served "
            f"on {host}. Import your own delivery with 'dashboard import DIR'."
        )


def _require_free(host: str, port: int) -> None:
    """Say what is wrong with the address before anything else is set up."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            fail(
                f"Cannot listen on {host}, port {port}: {error.strerror}. Stop what uses it, "
                f"or choose another port: dashboard serve --port {min(port + 1, 65535)}"
            )


def _announce(settings: Settings, host: str, port: int) -> None:
    """Tell where the dashboard is, once it answers."""
    shown = f"[{host}]" if ":" in host else host
    click.echo(f"Infusion dashboard: http://{shown}:{port}  (Ctrl-C stops it)")
    with store_of(settings) as store:
        people, accounts = store.list_users(), store.demo_accounts()
    if accounts:
        from dashboard.state.passwords import DEMO_PASSWORD

        click.echo(f"Demo accounts, each with the password {DEMO_PASSWORD}:")
        for user in accounts:
            click.echo(f"  {user.username:<18}{user.role.label}, {sites_text(user)}")
    if not people:
        click.echo("Nobody can sign in yet: add a user with 'dashboard users add NAME --role ROLE'.")


class _Problem(Exception):  # noqa: N818 - a finding, not an error of the program
    """What a check found, with what to do about it."""


@main.command()
def check() -> None:
    """Check what the dashboard needs, one line each; exit code 1 if something is missing.

    \b
    Example:
        dashboard check
    """
    settings = settings_in_force()
    checks: list[tuple[str, Callable[[Settings], str]]] = [
        ("data folder", _check_folder),
        ("state store", _check_store),
        ("audit record", _check_record),
        ("keys", _check_keys),
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
        if wrong := folders.fault(folder):
            raise _Problem(wrong)
        folders.make(folder, 0o700)
        if wrong := folders.lack_of_room(folder, folders.LEAST_ROOM):
            raise _Problem(wrong)
    return str(settings.data)


def _opened(settings: Settings) -> Store:
    """The store, or what is wrong with it as a finding."""
    from dashboard.state import StateError, Store

    try:
        return Store.for_settings(settings)
    except (StateError, OSError) as error:
        raise _Problem(str(error)) from None


def _check_store(settings: Settings) -> str:
    from sqlalchemy.exc import DBAPIError

    from dashboard.state.database import cause

    with _opened(settings) as store:
        try:
            store.try_to_write()
        except DBAPIError as error:
            why, hint = cause(error)
            raise _Problem(f"{store.database.name} cannot be written ({why}). {hint}") from None
        return store.database.name


def _check_record(settings: Settings) -> str:
    from dashboard.state import StateError, signed

    try:
        with _opened(settings) as store:
            verdict = store.audit.verify()
            wrong = verdict.fault or signed.fault(store)
    except StateError as error:
        raise _Problem(str(error)) from None
    if wrong:
        raise _Problem(wrong)
    kept = "signals, marks on charts and closed months are as they say"
    return f"{verdict.entries:,} entries, as they were written; {kept}"


def _check_keys(settings: Settings) -> str:
    try:
        with _opened(settings) as store:
            wrong = keys.fault(settings, store)
    except _Problem:
        raise _Problem("unknown which are needed, because the state store cannot be read") from None
    if wrong:
        raise _Problem(wrong)
    made = [str(path) for path in keys.files(settings).values() if path.exists()]
    return f"{', '.join(made)}; keep a copy elsewhere" if made else "none yet; they are made at first use"


def _check_users(settings: Settings) -> str:
    from dashboard.wording import plural

    try:
        with _opened(settings) as store:
            people = [user for user in store.list_users() if not user.disabled]
    except _Problem:
        raise _Problem("unknown, because the state store cannot be read") from None
    if not people:
        raise _Problem("nobody can sign in; run: dashboard users add NAME --role ROLE")
    # Who is invited signs in by the provider of single sign-on, where there is one.
    waiting = 0 if settings.oidc else sum(user.invited for user in people)
    told = f"{plural(waiting, 'invited account has', 'invited accounts have')} no password yet"
    if waiting == len(people):
        raise _Problem(f"nobody can sign in: {told}; for a new link run: dashboard users reset-link NAME")
    able = f"{len(people) - waiting} can sign in, {sum(user.demo for user in people)} of them demo accounts"
    return f"{able}; {told}" if waiting else able


def _check_reference(_settings: Settings) -> str:
    try:
        tables = load_reference()
    except DeliveryError as error:
        raise _Problem(str(error)) from None
    return f"{_counted(tables.sites, tables.services)} in {REFERENCE}, which --reference replaces"


def _counted(sites: Sized, services: Sized) -> str:
    from dashboard.wording import plural  # brings NumPy along

    return f"{plural(len(sites), 'site', 'sites')}, {plural(len(services), 'service', 'services')}"


def _check_queries(_settings: Settings) -> str:
    from dashboard.queries import queries
    from dashboard.query_faults import WarehouseError

    try:
        found = len(queries())
    except (WarehouseError, OSError) as error:
        raise _Problem(f"{error}") from None
    if not found:
        raise _Problem(f"{QUERIES} holds no .sql file; restore it from the repository")
    return f"{found} in {QUERIES}"


def _check_extract(settings: Settings) -> str:
    from dashboard.query_faults import WarehouseError
    from dashboard.warehouse import Warehouse

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
    counted = _counted(catalogue.sites, catalogue.services)
    return f"{named.name}, {kind} from {catalogue.first_day} to {catalogue.last_day}, {counted}"
