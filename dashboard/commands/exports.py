"""The commands `dashboard export …`."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dashboard import filters, folders, no_shows, unknown
from dashboard.commands.dates import Month
from dashboard.commands.output import put
from dashboard.interruption import brought_to_its_end
from dashboard.settings import Settings
from dashboard.terminal import fail, operator, settings_in_force, store_of

if TYPE_CHECKING:
    from dashboard.choices import Choice
    from dashboard.receipts import Receipt
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
@click.option(
    "--period", default="last-month", show_default=True, metavar="PERIOD",
    help=f"The days: one of {', '.join(name for name in filters.PERIODS if name != 'custom')}.",
)  # fmt: skip
@click.option("--from", "start", help="First day, YYYY-MM-DD; with --to, instead of --period.")
@click.option("--to", "end", help="Last day, YYYY-MM-DD.")
@click.option("--site", multiple=True, help="A site; repeat it for several.  [default: all]")
@click.option("--line", multiple=True, help="A service line; repeat it for several.  [default: all]")
@click.option("--method", multiple=True, help="A payment method; repeat it for several.  [default: all]")
@click.option("--date", default="", help="service or payment: which date the period is of.")
@click.option("--columns", default="", help="Columns in order, separated by commas.  [default: all]")
@click.option(
    "--no-shows", "named", type=click.Choice(list(no_shows.DEFINITIONS)), default=no_shows.HEADLINE,
    show_default=True, help="The definition of the no-show rate.",
)  # fmt: skip
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
    method: tuple[str, ...],
    date: str,
    columns: str,
    named: str,
    username: str | None,
    force: bool,
) -> None:
    """Write DATASET to a file (.csv, .csv.gz, .parquet or .xlsx) with a .receipt.json beside it.

    Everything on a page (page_bookings, page_revenue, …) goes into a .zip or .xlsx. The file appears under its
    name only when it is whole. DATASET stands right behind `export`.

    \b
    Example:
        dashboard export take payment_rows --from 2026-10-01 --to 2026-10-31 -o october.xlsx
        dashboard export visits_by_day --site dallas -o visits.parquet
        dashboard export page_bookings --period last-month -o bookings.zip
    """
    from dashboard import exports, packs

    if dataset not in packs.CHOICES:
        raise click.UsageError(f"There is no dataset {dataset}. Datasets: {', '.join(packs.CHOICES)}")
    if bool(start) != bool(end):
        raise click.UsageError("--from and --to go together: the first and the last day of the file.")
    asked: dict[str, list[str]] = {"period": [period], "columns": [columns] if columns else [], "date": [date]}
    if start and end:
        asked |= {"period": ["custom"], "from": [start], "to": [end]}
    asked |= {"method": list(method), "no-shows": [named]}
    asked |= {"site": [filters.slug(s) for s in site], "line": [filters.slug(word) for word in line]}
    settings = settings_in_force()
    with store_of(settings) as store:
        reader = reader_of(settings, store, username)
        chosen = packs.asked(reader, packs.CHOICES[dataset], asked)
        form = _form_of(chosen, output, force)
        if wrong := exports.fault(chosen, asked, strict=True):
            raise click.UsageError(wrong)
        methods = exports.methods_of(reader) if method and chosen.dataset.by_method else ()
        if strange := [one for one in method if one not in methods]:
            # In an address it gives no rows; named outright it is a slip.
            raise click.UsageError(
                f"There is no method {', '.join(strange)} here. There is: {', '.join(methods) or 'none'}"
            )
        details = write(store, chosen, form, output)
    _say(output, chosen, details)


@export.command("run")
@click.argument("name")
@click.option("-o", "--output", "output", required=True, type=_FILE, help="File to write; its ending is the form.")
@click.option("--as", "username", required=True, help="Whose saved export it is; their rights apply.")
@click.option("--force", is_flag=True, help="Overwrite FILE if it is there.")
def run(name: str, output: Path, username: str, force: bool) -> None:
    """Write the export saved as NAME on the page Exports. A period such as last month has moved on by itself.

    \b
    Example:
        dashboard export run "Month-end payments" --as lee -o payments.csv
    """
    from urllib.parse import parse_qs

    from dashboard import access, exports, packs
    from dashboard.state.saved_exports import SavedExports

    settings = settings_in_force()
    with store_of(settings) as store:
        reader = reader_of(settings, store, username)
        kept = {one.name: one for one in SavedExports(store).list(reader.viewer.username)}
        if name not in kept:
            known = ", ".join(kept) or "none yet; save one on the page Exports"
            fail(f"{username} has no saved export {name!r}. There is: {known}")
        dataset = packs.CHOICES.get(kept[name].dataset)
        if dataset is None or not access.allows(reader.viewer, dataset.resource):
            fail(f"{username} may not take {kept[name].dataset}, which {name!r} is of")
        asked = parse_qs(kept[name].query)
        chosen = packs.asked(reader, dataset, asked)
        if wrong := exports.fault(chosen, asked, strict=True):
            fail(f"the saved export {name!r} no longer fits, and nothing was written: {wrong}")
        details = write(store, chosen, _form_of(chosen, output, force), output)
    _say(output, chosen, details)


def _form_of(chosen: Choice, output: Path, force: bool) -> str:
    """The form that a file's name asks for; ends where there is none, or the file is there already."""
    forms = chosen.forms
    form = next((form for form in sorted(forms, key=len, reverse=True) if output.name.endswith(f".{form}")), "")
    if not form:
        raise click.UsageError(f"{output.name} must end in one of: {', '.join(f'.{form}' for form in forms)}")
    if output.exists() and not force:
        fail(f"{output} is there already; choose another name, or overwrite it with --force")
    return form


def _say(output: Path, chosen: Choice, details: dict[str, Any]) -> None:
    totals = "".join(f", {name} {value}" for name, value in details.get("totals", {}).items())
    click.echo(f"Wrote {output}: {details['rows']:,} rows{totals}. {chosen.when}.")
    click.echo(f"SHA-256 {details['sha256']}; extract {details['extract']}.")


@brought_to_its_end()
def write(store: Store, chosen: Choice, form: str, output: Path) -> dict[str, Any]:
    """Write an export to a file and its receipt beside it, whole or not at all, and on record either way."""
    from dashboard import access, receipts
    from dashboard.query_faults import WarehouseError
    from dashboard.writers import FileError

    receipt = None
    try:
        body, receipt = chosen.write(form)
        put(output, body)
    except (access.AccessDeniedError, WarehouseError, FileError, OSError) as error:
        fail(f"{output} was not written: {error}")
    finally:
        if receipt is not None:
            store.audit.record("export", operator(), receipt.dataset, file=output.name, **receipt.details())
    receipts.write_beside(output, _beside(store, output, receipt))
    return receipt.details()


def _beside(store: Store, output: Path, receipt: Receipt) -> dict[str, Any]:
    """What the receipt beside a file says."""
    taken = {"file": output.name, "user": operator(), "at": store._now().isoformat(timespec="seconds")}
    return {"dataset": receipt.dataset, **taken, **receipt.details()}


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
            fail(f"{beside} is no receipt; it was changed")
        if said != digest:
            fail(f"{file} is not what was exported: its SHA-256 is {digest}, its receipt says {said}")
    with store_of(settings_in_force()) as store:
        named = store.audit.search(Search(kinds=("export",), text=digest), 20)
    found = [entry for entry in named if entry.details.get("sha256") == digest]
    whole = [entry for entry in found if entry.details.get("outcome") == "complete"]
    if not whole:
        fail(
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
@click.option("--month", required=True, type=Month(), metavar="YYYY-MM", help="The month.")
@click.option("--site", "sites", multiple=True, help="A site; repeat it for several.  [default: all in one pack]")
@click.option(
    "-o", "--output", "folder", required=True, metavar="DIR", type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the packs; made where there is none.",
)  # fmt: skip
@click.option("--close", is_flag=True, help="Close the month: later changes are reported as restated.")
@click.option("--as", "username", help="Whose rights apply.  [default: finance, every site]")
@brought_to_its_end()
def month_end_command(month: str, sites: tuple[str, ...], folder: Path, close: bool, username: str | None) -> None:
    """Write the month-end pack, a ZIP with its receipt, into the folder DIR.

    Where the month was closed and the extract now has other figures, each of them is named on standard
    error and in restated.csv.

    \b
    Example:
        dashboard export month-end --month 2026-10 -o /var/lib/dashboard/month-end
        dashboard export month-end --month 2026-10 -o /var/lib/dashboard/month-end --close
    """
    from dashboard import access, month_end, packs, receipts
    from dashboard.query_faults import WarehouseError
    from dashboard.state import StateError
    from dashboard.state.closed_months import ClosedMonths

    settings = settings_in_force()
    with store_of(settings) as store:
        reader = reader_of(settings, store, username)
        if wrong := unknown.unnamed("site", sites, reader.sites):
            raise click.UsageError(wrong)
        asked = set(map(filters.slug, sites))
        sites = tuple(site for site in reader.sites if filters.slug(site) in asked)
        try:
            made, restated = packs.month(reader, store, month, sites)
            if close and made.provisional:
                raise month_end.MonthError(
                    f"{month} is not over in the extract, which is whole to {reader.catalogue.last_full_day}; "
                    "close it with one that has a completed visit of the month's last day or of a day after it"
                )
            data = month_end.written(made, restated)
            output = folder / "_".join([made.file_name, *sites, *(["provisional"] if made.provisional else [])])
            output = output.with_name(f"{output.name}.zip")
            folders.make(output.parent)
            own = {s: month_end.of_site(made.figures, s) for s in made.sites}
            closing = ClosedMonths(store.by(operator())).closing(month, made.extract, own)
            # The month is closed with its pack in place, or there is no pack and it stays open.
            put(output, [data], within=closing if close else None)
        except (access.AccessDeniedError, month_end.MonthError, StateError, WarehouseError) as error:
            fail(f"the pack of {month} was not written: {error}")
        except OSError as error:
            fail(f"the pack of {month} was not written: {error.filename2 or error.filename}: {error.strerror}")
        receipt = packs.month_receipt(reader, made, restated)
        for _ in receipt.counted(iter([receipts.Part(data, len(made.figures))])):
            pass
        details = receipt.details()
        store.audit.record("export", operator(), "month_end", file=output.name, **details)
        if restated:
            lines = [f"{key}: {was} -> {now}" for key, was, now in restated[:100]]
            store.audit.record("month", operator(), month, change="restated", extract=made.extract, lines=lines)
        receipts.write_beside(output, _beside(store, output, receipt))
    click.echo(f"Wrote {output}: {details['rows']:,} figures{', closed' if close else ''}.")
    click.echo(f"SHA-256 {details['sha256']}; extract {made.extract}.")
    for key, was, now in restated:
        click.echo(f"restated: {key}: {month_end.shown(key, was)} -> {month_end.shown(key, now)}", err=True)


def reader_of(settings: Settings, store: Store, username: str | None) -> Reader:
    """The extract in use, seen as a user, or as finance of every site."""
    from dashboard.access import Role, Viewer, limited
    from dashboard.query_faults import WarehouseError
    from dashboard.shelf import Shelf
    from dashboard.state import StateError
    from dashboard.state.chart_marks import ChartMarks
    from dashboard.warehouse import Reader

    viewer = Viewer(operator(), operator(), Role.FINANCE)
    try:
        if username is not None:
            user = store.user(username)
            if user.disabled:
                raise StateError(f"{user.username} is disabled.")
            viewer = Viewer(
                user.username, user.name, user.role, None if user.sites is None else frozenset(user.sites)
            )
        viewer = limited(viewer, settings.small_cells)
        return Reader(Shelf(settings).current(), viewer, ChartMarks(store).in_force())
    except (StateError, WarehouseError) as error:
        fail(str(error))
