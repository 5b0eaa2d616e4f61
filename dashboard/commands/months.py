"""The commands `dashboard export months` and `reopen`: closed months, and what has changed of them."""

from __future__ import annotations

import click

from dashboard.commands.dates import Month
from dashboard.commands.exports import export, reader_of
from dashboard.terminal import fail, operator, settings_in_force, store_of


@export.command("months")
@click.option("--as", "username", help="Whose rights apply.  [default: finance, every site]")
def months(username: str | None) -> None:
    """List the closed months: who closed them, and every figure that the extract in use has otherwise.

    Ends with 1 where a figure was restated, so that a timer notices.

    \b
    Example:
        dashboard export months
    """
    from dashboard import access, month_end, packs
    from dashboard.query_faults import WarehouseError
    from dashboard.state.closed_months import ClosedMonths

    settings, changed = settings_in_force(), 0
    with store_of(settings) as store:
        reader = reader_of(settings, store, username)
        # Those of sites that the extract doesn't hold any more among them.
        closed = [
            one for one in ClosedMonths(store).list() if access.allows(reader.viewer, month_end.RESOURCE, one.site)
        ]
        for month in dict.fromkeys(one.month for one in closed):
            own = [one for one in closed if one.month == month]
            for one in own:
                click.echo(f"{month}  {one.site:<16}closed {one.closed_at:%Y-%m-%d %H:%M} UTC by {one.closed_by}")
            there = [one.site for one in own if one.site in reader.sites]
            if gone := [one.site for one in own if one.site not in there]:
                click.echo(f"not compared: {month} | {', '.join(gone)}: not in the extract in use", err=True)
            try:
                lines = packs.month(reader, store, month, there)[1] if there else []
            except month_end.AbsentMonthError as error:
                # That the extract begins later by now is no change of its figures.
                click.echo(f"not compared: {error}", err=True)
                continue
            except (access.AccessDeniedError, month_end.MonthError, WarehouseError) as error:
                fail(str(error))
            for key, was, now in lines:
                click.echo(f"restated: {key}: {month_end.shown(key, was)} -> {month_end.shown(key, now)}")
            changed += len(lines)
    if not closed:
        click.echo("No month is closed. Close one: dashboard export month-end --month M -o DIR --close", err=True)
    if changed:
        fail(f"{changed} figures have changed since their month was closed")


@export.command("reopen")
@click.option("--month", required=True, type=Month(), metavar="YYYY-MM", help="The month.")
@click.option("--site", "sites", multiple=True, help="A site; repeat it for several.  [default: all]")
@click.option("--reason", required=True, help="Why; it stands in the audit record.")
def reopen(month: str, sites: tuple[str, ...], reason: str) -> None:
    """Open a closed month again; its figures can then be closed anew.

    \b
    Example:
        dashboard export reopen --month 2026-10 --site dallas --reason "Bank statement came late"
    """
    from dashboard.state import StateError
    from dashboard.state.closed_months import ClosedMonths

    with store_of(settings_in_force()) as store:
        closed = ClosedMonths(store.by(operator()))
        own = sites or tuple(one.site for one in closed.list(month))
        if not own:
            fail(f"{month} is not closed at any site. Closed months: dashboard export months")
        try:
            opened = closed.reopen(month, own, reason)
        except StateError as error:
            fail(str(error))
    click.echo(f"Opened {month} again at {', '.join(opened)}.")
