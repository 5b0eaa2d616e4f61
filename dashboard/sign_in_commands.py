"""The commands `dashboard users …` that are about signing in: links, second factors, identities."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import click

from dashboard.settings import Settings
from dashboard.state_commands import operator

if TYPE_CHECKING:
    from dashboard.state import Store


@click.command("reset-link")
@click.argument("username")
def reset_link(username: str) -> None:
    """Print a link with which a user sets a new password, once and within 24 hours.

    Hand it over in a way that reaches this person alone. It begins with DASHBOARD_URL. The former
    password and the open sessions stay good until it is used; a newer link makes it void.

    \b
    Example:
        dashboard users reset-link ada
    """
    with _store() as (settings, store):
        click.echo(new_link(settings, store, username))


@click.command("reset-second-factor")
@click.argument("username")
def reset_second_factor(username: str) -> None:
    """Take a user's second factor away, when device and recovery codes are lost.

    Make sure first that it is this person who asks. Where the role needs a second factor, the next
    sign-in sets up another.

    \b
    Example:
        dashboard users reset-second-factor ada
    """
    from dashboard.state.sealing import Seal
    from dashboard.state.second_factor import SecondFactors

    with _store() as (settings, store):
        user = SecondFactors(store, Seal.for_settings(settings)).remove(username)
    click.echo(f"{user.username} has no second factor now; their sessions have ended.")


@click.command("set-identity")
@click.argument("username")
@click.argument("identity", required=False)
def set_identity(username: str, identity: str | None) -> None:
    """Say by what the provider of single sign-on knows a user; without IDENTITY, by the user name.

    IDENTITY is the value of the claim that DASHBOARD_OIDC_CLAIM names, an e-mail address unless set.

    \b
    Example:
        dashboard users set-identity ada ada.park@clinic.example
        dashboard users set-identity ada
    """
    from dashboard.state.identities import Identities

    with _store() as (_, store):
        user = Identities(store).set(username, identity)
    click.echo(f"{user.username} signs in as {identity or user.username} with the provider.")


def new_link(settings: Settings, store: Store, username: str) -> str:
    """A fresh link to set the password of this account. Raises StateError."""
    from dashboard.state.resets import Resets, link

    return link(settings.url, Resets(store).issue(username))


@contextmanager
def _store() -> Iterator[tuple[Settings, Store]]:
    """The settings and the store, or the end of the command with what is wrong."""
    from dashboard.state import StateError, Store

    try:
        settings = Settings.from_environment()
    except ValueError as error:
        _fail(f"{error}; correct the variable, or unset it.")
    try:
        with Store.for_settings(settings) as store:
            yield settings, store.by(operator())
    except StateError as error:
        _fail(str(error))


def _fail(message: str) -> NoReturn:
    click.echo(f"Error: {message}", err=True)
    sys.exit(1)
