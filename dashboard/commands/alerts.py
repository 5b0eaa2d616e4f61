"""The commands `dashboard alerts …`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from dashboard.terminal import fail, operator, settings_in_force, store_of

if TYPE_CHECKING:
    from dashboard.alerts.run import Runner


@click.group()
def alerts() -> None:
    """Evaluate everybody's alert rules, and send what is new by e-mail or webhook.

    \b
    Example:
        dashboard alerts run
    """


@alerts.command()
@click.option("--user", "username", help="This person only.")
@click.option("--dry-run", is_flag=True, help="Keep and send nothing; print what would be sent.")
def run(username: str | None, dry_run: bool) -> None:
    """Evaluate the rules on the extract in use and send new alerts, recoveries and weekly digests; for a timer.

    A rule is evaluated once a day of data: a second run on the same extract sends nothing new. What could not be
    sent is tried again at the next run; the exit code is then 1.

    \b
    Example:
        dashboard alerts run
        dashboard alerts run --user ada --dry-run
    """
    with _runner(dry=dry_run) as runner:
        tally = runner.run(username)
    done = f"{tally.rules} rules evaluated, {tally.opened} opened, {tally.recovered} recovered"
    if dry_run:
        click.echo(f"{done}; nothing was kept or sent.")
    else:
        click.echo(f"{done}, {tally.sent} messages sent, {tally.failed} failed.")
    sys.exit(1 if tally.failed else 0)


@alerts.command()
@click.option("--user", "username", required=True, help="Whose e-mail address and webhook.")
def test(username: str) -> None:
    """Send a message that holds nothing to a person's e-mail address and webhook.

    \b
    Example:
        dashboard alerts test --user ada
    """
    with _runner() as runner:
        tally = runner.test(username)
    if not tally.sent and not tally.failed:
        fail(f"{username} has neither an e-mail address nor a webhook: the page Alerts sets them.")
    sys.exit(1 if tally.failed else 0)


@alerts.command("list")
@click.argument("username", required=False)
def list_rules(username: str | None) -> None:
    """List the rules, of all or of USERNAME, with where each stands.

    \b
    Example:
        dashboard alerts list ada
    """
    from dashboard.alerts import rules
    from dashboard.state.alert_channels import CHANNELS, AlertChannels
    from dashboard.state.alert_rules import AlertRules

    found = 0
    with store_of(settings_in_force()) as store:
        people = [store.user(username)] if username else store.list_users()
        for user in people:
            for rule in AlertRules(store).of(user.username):
                state = f"open since {rule.open_since}" if rule.open_since else "not open"
                state = state if rule.active else "off"
                snoozed = f"; not told before {rule.snoozed_until}" if rule.snoozed_until else ""
                title = rules.title(rule.condition, rule.condition.site)
                click.echo(f"{user.username:<24}{rule.rule}  {title}; {state}{snoozed}")
                found += 1
            for channel in AlertChannels(store).of(user.username).values():
                if channel.fault:
                    click.echo(f"{user.username:<24}not sent by {CHANNELS[channel.channel]}: {channel.fault}")
    if not found:
        click.echo("No rules. People make them on the page Alerts.", err=True)


@contextmanager
def _runner(*, dry: bool = False) -> Iterator[Runner]:
    """A run over the store and the extract in use, or the end where one of them can't be read."""
    # Imported here: it takes seconds, which `--help` shouldn't.
    from dashboard.alerts.run import Runner
    from dashboard.query_faults import WarehouseError
    from dashboard.shelf import Shelf

    settings = settings_in_force()
    try:
        house = Shelf(settings).current()
    except WarehouseError as error:
        fail(str(error))
    with store_of(settings) as store:
        yield Runner(settings, store.by(operator()), house, datetime.now(UTC), _say, dry=dry)


def _say(line: str) -> None:
    # What failed goes where a timer's log looks for it.
    click.echo(line, err=": not sent by " in line or "could not be evaluated" in line)
