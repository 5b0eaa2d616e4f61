"""The commands `dashboard export …` and `dashboard tokens …`."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from dashboard.settings import Settings
from dashboard.state_commands import operator

if TYPE_CHECKING:
    from dashboard.state import Store
    from dashboard.warehouse import Reader

_FILE = click.Path(dir_okay=False, path_type=Path)


class _Named(click.Group):
    """A group whose first word may also be a dataset: `dashboard export payment_rows -o FILE`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command of that name, else the one that takes a dataset."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            return super().resolve_command(ctx, ["take", *args])
        return super().resolve_command(ctx, args)


@click.group(cls=_Named)
def export() -> None:
    """Write files of the extract in use, each with its receipt, and check them later.

    \b
    Example:
        dashboard export payment_rows --period last-month -o payments.csv
        dashboard export verify payments.csv
    """


@export.command("take")
@click.argument("dataset")
@click.option("-o", "--output", "output", required=True, type=_FILE, help="File to write; its ending is the form.")
@click.option("--period", default="last-month", show_default=True, help="A period as in addresses.")
@click.option("--from", "start", help="First day, YYYY-MM-DD; with --to, instead of --period.")
@click.option("--to", "end", help="Last day, YYYY-MM-DD.")
@click.option("--site", multiple=True, help="A site; repeat it for several.  [default: all]")
@click.option("--line", multiple=True, help="A service line; repeat it for several.  [default: all]")
@click.option("--date", default="", help="service or payment: which date the period is of.")
@click.option("--columns", default="", help="Columns in order, separated by commas.  [default: all]")
@click.option("--as", "username", help="Whose rights apply.  [default: finance, every site]")
@click.option("--force", is_flag=True, help="Overwrite FILE if it is there.")
def take(
    dataset: str,
    output: Path,
    period: str,
    start: str | None,
    end: str | None,
    site: tuple[str, ...],
    line: tuple[str, ...],
    date: str,
    columns: str,
    username: str | None,
    force: bool,
) -> None:
    """Write DATASET to a file (.csv, .csv.gz, .parquet or .xlsx) with a .receipt.json beside it.

    The file appears under its name only when it is whole. DATASET stands right behind `export`.

    \b
    Example:
        dashboard export take payment_rows --from 2026-10-01 --to 2026-10-31 -o october.xlsx
        dashboard export visits_by_day --site dallas -o visits.parquet
    """
    from dashboard import exports, filters

    form = next(
        (form for form in sorted(exports.FORMS, key=len, reverse=True) if output.name.endswith(f".{form}")), ""
    )
    if not form:
        raise click.UsageError(f"{output.name} must end in one of: {', '.join(f'.{f}' for f in exports.FORMS)}")
    if dataset not in exports.DATASETS:
        raise click.UsageError(f"There is no dataset {dataset}. Datasets: {', '.join(exports.DATASETS)}")
    if output.exists() and not force:
        _fail(f"{output} is there already; choose another name, or overwrite it with --force")
    asked: dict[str, list[str]] = {"period": [period], "columns": [columns] if columns else [], "date": [date]}
    if start or end:
        asked |= {"period": ["custom"], "from": [start or ""], "to": [end or start or ""]}
    asked |= {"site": [filters.slug(s) for s in site], "line": [filters.slug(word) for word in line]}
    settings = Settings.from_environment()
    with store_of(settings) as store:
        reader = reader_of(settings, store, username)
        chosen = exports.asked(reader, exports.DATASETS[dataset], asked)
        _require_known(chosen, site, line, columns, date)
        details = write(store, chosen, form, output)
    totals = "".join(f", {name} {value}" for name, value in details.get("totals", {}).items())
    click.echo(f"Wrote {output}: {details['rows']:,} rows{totals}.")
    click.echo(f"SHA-256 {details['sha256']}; extract {details['extract']}.")


def _require_known(chosen: Any, site: tuple[str, ...], line: tuple[str, ...], columns: str, date: str) -> None:
    """What was named outright must not fall to a default, as it does in an address."""
    scope, dataset = chosen.filters.scope, chosen.dataset
    for word, named, known in (
        ("site", site, scope.sites),
        ("line", line, scope.lines),
        ("column", tuple(filter(None, columns.split(","))), tuple(c.name for c in dataset.columns)),
        ("date", (date,) if date else (), dataset.dates),
    ):
        if unknown := [one for one in named if one not in known]:
            raise click.UsageError(f"There is no {word} {', '.join(unknown)} here. There is: {', '.join(known)}")


def write(store: Store, chosen: Any, form: str, output: Path) -> dict[str, Any]:
    """Write an export to a file and its receipt beside it, whole or not at all, and on record either way."""
    from dashboard import access, receipts
    from dashboard.warehouse import WarehouseError
    from dashboard.writers import FileError

    part = output.with_name(f".{output.name}.{os.getpid()}.part")
    receipt = None
    try:
        body, receipt = chosen.write(form)
        with part.open("wb") as file:
            for data in body:
                file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(output)
    except (access.AccessDeniedError, WarehouseError, FileError, OSError) as error:
        _fail(f"{output} was not written: {error}")
    finally:
        part.unlink(missing_ok=True)
        if receipt is not None:
            store.audit.record("export", operator(), receipt.dataset, file=output.name, **receipt.details())
    details: dict[str, Any] = receipt.details()
    taken = {"file": output.name, "user": operator(), "at": store._now().isoformat(timespec="seconds")}
    receipts.write_beside(output, {"dataset": receipt.dataset, **taken, **details})
    return details


@export.command("verify")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def verify(file: Path) -> None:
    """Say whether FILE is what was exported: its SHA-256 against the audit record and the receipt beside it.

    \b
    Example:
        dashboard export verify october.xlsx
    """
    from dashboard.receipts import BESIDE
    from dashboard.state.audit import Search

    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    beside = file.with_name(file.name + BESIDE)
    if beside.exists():
        try:
            said = json.loads(beside.read_text(encoding="utf-8")).get("sha256")
        except (ValueError, AttributeError):
            _fail(f"{beside} is no receipt; it was changed")
        if said != digest:
            _fail(f"{file} is not what was exported: its SHA-256 is {digest}, its receipt says {said}")
    with store_of(Settings.from_environment()) as store:
        found = [e for e in store.audit.search(Search(kinds=("export",), text=digest), 20) if digest in _digests(e)]
    whole = [entry for entry in found if entry.details.get("outcome") == "complete"]
    if not whole:
        _fail(
            f"{file} is on record as {found[0].details['outcome']}, not as a whole file"
            if found
            else f"{file} is not on record: it was changed, or exported elsewhere (SHA-256 {digest})"
        )
    entry = whole[-1]
    click.echo(
        f"{file} is what was exported: {entry.subject}, {entry.details['rows']:,} rows, by {entry.actor} at "
        f"{entry.at:%Y-%m-%d %H:%M} UTC from {entry.details['extract']} (entry {entry.number} of the audit record)."
    )


@export.command("month-end")
@click.option("--month", required=True, help="The month, as 2026-10.")
@click.option("--site", "sites", multiple=True, help="A site; repeat it for several.  [default: all in one pack]")
@click.option("-o", "--output", "folder", required=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--close", is_flag=True, help="Close the month: later changes are reported as restated.")
@click.option("--as", "username", help="Whose rights apply.  [default: finance, every site]")
def month_end_command(month: str, sites: tuple[str, ...], folder: Path, close: bool, username: str | None) -> None:
    """Write the month-end pack, a ZIP with its receipt, into the folder DIR.

    Where the month was closed and the extract now has other figures, each of them is named on standard
    error and in restated.csv.

    \b
    Example:
        dashboard export month-end --month 2026-10 -o /var/lib/dashboard/month-end
        dashboard export month-end --month 2026-10 -o /var/lib/dashboard/month-end --close
    """
    from dashboard import access, month_end, receipts
    from dashboard.state import StateError
    from dashboard.state.closed_months import ClosedMonths
    from dashboard.warehouse import WarehouseError

    settings = Settings.from_environment()
    with store_of(settings) as store:
        reader = reader_of(settings, store, username)
        try:
            made = month_end.pack(reader, month, sites)
            months = ClosedMonths(store.by(operator()))
            if close and made.provisional:
                raise month_end.MonthError(
                    f"{month} is not over in the extract, which is whole to {reader.catalogue.last_full_day}; "
                    "close it with a later one"
                )
            restated = [
                line
                for closed in months.list(month)
                if closed.site in made.sites
                for line in month_end.compare(closed.figures, month_end.of_site(made.figures, closed.site))
            ]
            if close:
                months.close(month, made.extract, {s: month_end.of_site(made.figures, s) for s in made.sites})
            data = month_end.written(made, restated)
            output = folder / "_".join([made.file_name, *sites, *(["provisional"] if made.provisional else [])])
            output = output.with_name(f"{output.name}.zip")
            details = _put(output, data)
        except (access.AccessDeniedError, month_end.MonthError, StateError, WarehouseError, OSError) as error:
            _fail(f"the pack of {month} was not written: {error}")
        details |= {"filters": {"month": month, "sites": made.sites}, "extract": made.extract, "form": "zip"}
        details |= {
            "rows": len(made.figures),
            "definitions": made.definitions,
            "outcome": "complete",
            "restated": len(restated),
        }
        store.audit.record("export", operator(), "month_end", file=output.name, **details)
        if restated:
            lines = [f"{key}: {was} -> {now}" for key, was, now in restated[:100]]
            store.audit.record("month", operator(), month, change="restated", extract=made.extract, lines=lines)
        receipts.write_beside(output, {"dataset": "month_end", "file": output.name, "user": operator(), **details})
    click.echo(f"Wrote {output}: {details['rows']:,} figures{', closed' if close else ''}.")
    click.echo(f"SHA-256 {details['sha256']}; extract {made.extract}.")
    for key, was, now in restated:
        click.echo(f"restated: {key}: {month_end.shown(key, was)} -> {month_end.shown(key, now)}", err=True)


def _put(output: Path, data: bytes) -> dict[str, Any]:
    """Write a file whole or not at all; its digest and size."""
    output.parent.mkdir(parents=True, exist_ok=True)
    part = output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)
    return {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def _digests(entry: Any) -> set[str]:
    return {entry.details.get("sha256", "")}


# --- tokens ----------------------------------------------------------------------------------


@click.group()
def tokens() -> None:
    """Keys by which a spreadsheet or program takes a person's files, read-only.

    A token ends at once when its owner is disabled, or gets another role, other sites or a new password.

    \b
    Example:
        dashboard tokens add lee --dataset payment_rows --label "Power Query, month-end"
        dashboard tokens list
    """


@tokens.command("add")
@click.argument("username")
@click.option("--dataset", "datasets", multiple=True, required=True, help="A dataset; repeat it for several.")
@click.option("--site", "sites", multiple=True, help="A site; repeat it for several.  [default: all of the owner's]")
@click.option("--label", required=True, help="What it is for, in a few words.")
@click.option("--days", default=365, show_default=True, type=click.IntRange(1, 3650), help="Days until it ends.")
def tokens_add(username: str, datasets: tuple[str, ...], sites: tuple[str, ...], label: str, days: int) -> None:
    """Issue a token for USERNAME and print it, once.

    \b
    Example:
        dashboard tokens add lee --dataset payment_rows --site dallas --label "Google Sheets" --days 90
    """
    from dashboard import access, exports
    from dashboard.access import Viewer
    from dashboard.state import StateError
    from dashboard.state.export_tokens import ExportTokens

    settings = Settings.from_environment()
    with store_of(settings) as store:
        try:
            user = store.user(username)
            viewer = Viewer(user.username, user.name, user.role, None)
            if unknown := [name for name in datasets if name not in exports.DATASETS]:
                raise click.UsageError(f"There is no dataset {', '.join(unknown)}.")
            closed = [name for name in datasets if not access.allows(viewer, exports.DATASETS[name].resource)]
            if closed:
                raise StateError(f"{user.username} ({user.role.label}) may not take {', '.join(closed)}.")
            if sites:
                known = reader_of(settings, store, None).sites
                if strange := [site for site in sites if site not in known]:
                    raise click.UsageError(f"There is no site {', '.join(strange)}. Sites: {', '.join(known)}")
            issued = ExportTokens(store.by(operator()))
            token = issued.issue(username, label, datasets, sites or None, timedelta(days=days))
        except StateError as error:
            _fail(str(error))
    click.echo(token)
    click.echo("This is shown once. Whoever has it reads these files: keep it like a password.", err=True)


@tokens.command("list")
@click.argument("username", required=False)
def tokens_list(username: str | None) -> None:
    """List the tokens, of all or of USERNAME.

    \b
    Example:
        dashboard tokens list lee
    """
    from dashboard.state.export_tokens import ExportTokens

    with store_of(Settings.from_environment()) as store:
        found = ExportTokens(store).list(username)
    for one in found:
        used = f"last used {one.used_at:%Y-%m-%d %H:%M} UTC" if one.used_at else "never used"
        until = f"until {one.expires_at:%Y-%m-%d}" if one.alive else "ended"
        sites = "all their sites" if one.sites is None else ", ".join(one.sites)
        click.echo(f"{one.key}  {one.username:<16}{until:<18}{', '.join(one.datasets)}; {sites}; {used}; {one.label}")
    if not found:
        click.echo("No tokens. Issue one: dashboard tokens add NAME --dataset DATASET --label TEXT", err=True)


@tokens.command("revoke")
@click.argument("token_id")
def tokens_revoke(token_id: str) -> None:
    """End a token at once; TOKEN_ID as `dashboard tokens list` shows it.

    \b
    Example:
        dashboard tokens revoke 3f9a01bc
    """
    from dashboard.state import StateError
    from dashboard.state.export_tokens import ExportTokens

    with store_of(Settings.from_environment()) as store:
        try:
            ended = ExportTokens(store.by(operator())).revoke(token_id)
        except StateError as error:
            _fail(str(error))
    click.echo(f"Ended the token {ended.key} of {ended.username}: {ended.label}")


# --- shared ----------------------------------------------------------------------------------


def store_of(settings: Settings) -> Store:
    """The state store, or the end with what is wrong with it."""
    from dashboard.state import StateError, Store

    try:
        return Store.for_settings(settings)
    except StateError as error:
        _fail(str(error))


def reader_of(settings: Settings, store: Store, username: str | None) -> Reader:
    """The extract in use, seen as a user, or as finance of every site."""
    from dashboard.access import Role, Viewer
    from dashboard.state import StateError
    from dashboard.warehouse import Reader, Shelf, WarehouseError

    viewer = Viewer(operator(), operator(), Role.FINANCE)
    try:
        if username is not None:
            user = store.user(username)
            if user.disabled:
                raise StateError(f"{user.username} is disabled.")
            viewer = Viewer(
                user.username, user.name, user.role, None if user.sites is None else frozenset(user.sites)
            )
        return Reader(Shelf(settings).current(), viewer)
    except (StateError, WarehouseError) as error:
        _fail(str(error))


def _fail(message: str) -> NoReturn:
    click.echo(f"Error: {message}", err=True)
    sys.exit(1)
