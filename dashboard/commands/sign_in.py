"""The commands `dashboard users …` that are about signing in: links, second factors, identities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dashboard.settings import Settings
from dashboard.terminal import operator, settings_in_force, store_of

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
    settings = settings_in_force()
    with store_of(settings) as store:
        click.echo(new_link(settings, store.by(operator()), username))


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

    settings = settings_in_force()
    with store_of(settings) as store:
        user = SecondFactors(store.by(operator()), Seal.for_settings(settings)).remove(username)
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

    with store_of(settings_in_force()) as store:
        user = Identities(store.by(operator())).set(username, identity)
    click.echo(f"{user.username} signs in as {identity or user.username} with the provider.")


def new_link(settings: Settings, store: Store, username: str) -> str:
    """A fresh link to set the password of this account. Raises StateError."""
    from dashboard.state.resets import Resets, link

    return link(settings.url, Resets(store).issue(username))
