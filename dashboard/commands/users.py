"""The commands `dashboard users …`: who can sign in, and what they may see."""

from __future__ import annotations

import getpass
import sys
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from dashboard.access import Role
from dashboard.commands.sign_in import new_link, reset_link, reset_second_factor, set_identity
from dashboard.intake.contract import DeliveryError
from dashboard.intake.reference import load_reference
from dashboard.settings import Settings
from dashboard.terminal import catalogue_of, fail, operator, settings_in_force, store_of

if TYPE_CHECKING:
    from dashboard.state import Store, UserRecord

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


@click.group()
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
    settings = settings_in_force()
    sites = _chosen_sites(settings, Role(role), site, all_sites)
    password = None if invite else _read_password(password_stdin)
    user = _change(settings, lambda store: store.add_user(username, Role(role), password, sites=sites, name=name))
    click.echo(f"Added {user.username}: {user.role.label}, {sites_text(user)}.")
    if invite:
        with store_of(settings) as store:
            address = new_link(settings, store.by(operator()), user.username)
        click.echo(f"To set a password, once and within 24 hours: {address}")


@users.command("list")
def users_list() -> None:
    """List the users with role, sites and state.

    \b
    Example:
        dashboard users list
    """
    with store_of(settings_in_force()) as store:
        people = store.list_users()
    for user in people:
        state = "disabled" if user.disabled else "demo" if user.demo else "invited" if user.invited else ""
        line = f"{user.username:<24}{user.role.value:<18}{sites_text(user):<24}{user.name:<24}{state}"
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
    user = _change(settings_in_force(), lambda store: store.disable(username))
    click.echo(f"Disabled {user.username}; their sessions have ended.")


@users.command("enable")
@click.argument("username")
def users_enable(username: str) -> None:
    """Admit a disabled user again.

    \b
    Example:
        dashboard users enable ada
    """
    user = _change(settings_in_force(), lambda store: store.enable(username))
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
    settings = settings_in_force()
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
    settings = settings_in_force()
    sites = _chosen_sites(settings, Role(role), site, all_sites)
    user = _change(settings, lambda store: store.set_role(username, Role(role), sites))
    click.echo(f"{user.username} is {user.role.label} now, {sites_text(user)}; their sessions have ended.")


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
    catalogue = catalogue_of(settings)
    if catalogue is not None:
        return tuple(catalogue.sites)
    try:
        return tuple(site.site for site in load_reference().sites)
    except DeliveryError as error:
        fail(str(error))


def _read_password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    try:
        with warnings.catch_warnings():
            # That nobody can be asked unseen is an error here, and not a password that is echoed.
            warnings.simplefilter("error", getpass.GetPassWarning)
            password: str = click.prompt("Password", hide_input=True, confirmation_prompt="Once more")
    except getpass.GetPassWarning:
        fail("there is no terminal to ask for the password at; give it on standard input with --password-stdin")
    return password


def _change(settings: Settings, change: Callable[[Store], UserRecord]) -> UserRecord:
    """Change a user, or end with what the store says."""
    with store_of(settings) as store:
        return change(store.by(operator()))


def sites_text(user: UserRecord) -> str:
    """The sites that a user may see, in words."""
    return "all sites" if user.sites is None else ", ".join(user.sites)
