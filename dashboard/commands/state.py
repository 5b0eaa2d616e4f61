"""The commands `dashboard state …` and `dashboard audit …`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from dashboard.commands import keys
from dashboard.commands.output import put
from dashboard.interruption import brought_to_its_end
from dashboard.settings import Settings
from dashboard.terminal import operator, settings_in_force, store_of

_FILE = click.Path(dir_okay=False, path_type=Path)
_DAY = click.DateTime(["%Y-%m-%d"])


@contextlib.contextmanager
def on_record(settings: Settings, kind: str, subject: str) -> Iterator[dict[str, object]]:
    """Record what a command does, whether it succeeds or fails; fill in the details as they get known.

    The store is opened first, so that nothing is done that couldn't be recorded.
    """
    from dashboard.state import Store

    details: dict[str, object] = {}
    with Store.for_settings(settings) as store:
        outcome = "failed"
        try:
            yield details
            outcome = "done"
        finally:
            store.audit.record(kind, operator(), subject, outcome=outcome, **details)


@click.group()
def state() -> None:
    """Back up and restore accounts, settings and the audit record.

    \b
    Example:
        dashboard state backup /safe/place/state-2026-11-24.backup
    """


@state.command()
@click.argument("file", type=_FILE)
@click.option("--force", is_flag=True, help="Overwrite FILE if it is there.")
def backup(file: Path, force: bool) -> None:
    """Write the state store to FILE, while the dashboard goes on.

    FILE holds accounts, password hashes and the audit record, but no key, session, one-time link or
    token. Keep it closed to others, and keep one copy of the keys apart from it.

    \b
    Example:
        dashboard state backup /safe/place/state-2026-11-24.backup
    """
    settings = settings_in_force()
    with store_of(settings) as store:
        from dashboard.state import backup as backups

        summary = backups.take(store.database, store.audit, file, actor=operator(), force=force)
    click.echo(f"Wrote {file}: {summary.users} users, {summary.entries:,} entries of the audit record.")
    kept = " ".join(map(str, keys.files(settings).values()))
    click.echo(f"The keys are not in it; keep a copy of them elsewhere: {kept}", err=True)


@state.command()
@click.argument("file", type=_FILE)
@click.option("--force", is_flag=True, help="Replace what the store holds now.")
def restore(file: Path, force: bool) -> None:
    """Bring the state store back from FILE, into SQLite or PostgreSQL, whole or not at all.

    Everyone is signed out; tokens and one-time links are issued anew. The audit record doesn't go
    back: where the present one continues that of FILE, it stays, and the restore is put on record.

    \b
    Example:
        dashboard state restore /safe/place/state-2026-11-24.backup --force
    """
    with store_of(settings_in_force()) as store:
        from dashboard.state import backup as backups

        summary = backups.restore(store.database, store.audit, file, actor=operator(), force=force)
    click.echo(f"Restored {summary.users} users as they were at {summary.made_at:%Y-%m-%d %H:%M} UTC.")
    click.echo("All sign in again; tokens for programs and one-time links have ended: issue them anew.", err=True)


@click.group()
def audit() -> None:
    """What was done and by whom: check the record, take its head, export it.

    \b
    Example:
        dashboard audit verify
    """


@audit.command()
@click.option("--head", metavar="HEAD", help="A head that 'dashboard audit head' printed before.")
def verify(head: str | None) -> None:
    """Check that no entry was changed, removed, put in or cut off, nor what entries say of signals, marks and months.

    \b
    Example:
        dashboard audit verify
        dashboard audit verify --head "$(cat /safe/place/head)"
    """
    with store_of(settings_in_force()) as store:
        from dashboard.state import signed
        from dashboard.state.audit_head import Head

        verdict = store.audit.verify(*([Head.parse(head)] if head else []))
        if verdict.fault:
            raise click.ClickException(
                f"{verdict.fault} {verdict.entries:,} entries before it are as they were written."
            )
        wrong = signed.fault(store)
    if wrong:
        raise click.ClickException(f"{wrong} All {verdict.entries:,} entries of the record are as they were written.")
    kept = "signals, marks on charts and closed months are as they say"
    click.echo(f"All {verdict.entries:,} entries are as they were written; {kept}.")


@audit.command("head")
def head_command() -> None:
    """Print the record's head: keep it where nobody of this machine can change it.

    \b
    Example:
        dashboard audit head | ssh elsewhere 'cat >> audit-heads'
    """
    with store_of(settings_in_force()) as store:
        click.echo(str(store.audit.head()))


@audit.command("renew-key")
@click.option("--lost", is_flag=True, help="The key is gone, so that what is on record can't be verified before.")
@brought_to_its_end()
def renew_key(lost: bool) -> None:
    """Seal the record with a new key, where others may know the present one or it is lost.

    Stop every server and timer of this store first: they have the present key. The record is verified
    before, and its head of before goes on record. Back-ups of before need the key of before.

    \b
    Example:
        dashboard audit renew-key
        dashboard audit renew-key --lost
    """
    with store_of(settings_in_force()) as store:
        from dashboard.state import audit_renewal

        head = audit_renewal.renew(store, actor=operator(), lost=lost)
        click.echo(f"The record has a new key, {store.audit.key_path}; its head is {head}")
    click.echo("Copy the key, take a back-up, and give every other server the key before it starts.", err=True)


@audit.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path, allow_dash=True), default="-")
@click.option("--person", default="", help="Entries of this person only.")
@click.option("--kind", "kinds", multiple=True, help="Entries of this kind only; repeat it for several.")
@click.option("--from", "start", type=_DAY, metavar="YYYY-MM-DD", help="First day, UTC.")
@click.option("--to", "end", type=_DAY, metavar="YYYY-MM-DD", help="Last day, UTC.")
@click.option("--text", default="", help="Entries that hold this text.")
@brought_to_its_end()
def export(
    file: Path, person: str, kinds: tuple[str, ...], start: datetime | None, end: datetime | None, text: str
) -> None:
    """Write the record as CSV to FILE (standard output unless given), newest first.

    \b
    Example:
        dashboard audit export record.csv --from 2026-11-01 --to 2026-11-30
        dashboard audit export --kind export --person ada
    """
    from dashboard import auditing
    from dashboard.state.audit import KINDS, Search

    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise click.UsageError(f"There is no kind {', '.join(unknown)}. Kinds: {', '.join(KINDS)}.")
    wanted = Search(
        actor=person,
        kinds=kinds,
        since=start.replace(tzinfo=UTC) if start else None,
        until=end.replace(tzinfo=UTC) + timedelta(days=1) if end else None,
        text=text,
    )
    with store_of(settings_in_force()) as store:
        body, receipt = auditing.file_of(store.audit, wanted)
        if str(file) == "-":
            with click.open_file("-", "wb") as stream:
                for part in body:
                    stream.write(part)
        else:
            put(file, body)
        store.audit.record("export", operator(), "audit", **receipt.details())
    if str(file) != "-":
        click.echo(f"Wrote {receipt.details()['rows']:,} entries to {file}.")
