"""`dashboard report`: documents to print, from the extract in use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dashboard import no_shows
from dashboard.commands.dates import Day, Month
from dashboard.commands.output import put
from dashboard.interruption import brought_to_its_end
from dashboard.terminal import fail, operator, settings_in_force, store_of

if TYPE_CHECKING:
    from dashboard.access import Role
    from dashboard.reports.document import Document
    from dashboard.state import Store
    from dashboard.warehouse import Reader

_FORMS = (".html", ".pdf")


@click.group()
def report() -> None:
    """Write documents to print and keep, as HTML or PDF.

    \b
    Example:
        dashboard report safety --month 2026-09 -o review.pdf
    """


@report.command()
@click.option("--month", required=True, type=Month(), metavar="YYYY-MM", help="The month.")
@click.option("--site", "sites", multiple=True, help="This site only; repeat it for several.")
@click.option(
    "-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="FILE.html or FILE.pdf."
)
def safety(month: str, sites: tuple[str, ...], output: Path) -> None:
    """Write the safety review of a month: what the page Safety shows, with alarms and the signal register.

    It holds small counts as the medical director sees them: hand it on with care. That it was
    written goes on record.

    \b
    Example:
        dashboard report safety --month 2026-09 -o review.pdf
        dashboard report safety --month 2026-09 --site dallas -o dallas.html
    """
    from dashboard.access import Role
    from dashboard.reports import files

    _print(
        output, files.REVIEW, Role.MEDICAL_DIRECTOR, lambda reader, store: files.review(reader, store, month, sites)
    )


@report.command()
@click.option("--site", "sites", multiple=True, required=True, help="The site; one.")
@click.option("--day", type=Day(), metavar="YYYY-MM-DD", help="The day; the last full one unless given.")
@click.option(
    "--no-shows", "named", type=click.Choice(list(no_shows.DEFINITIONS)), default=no_shows.HEADLINE,
    show_default=True, help="The definition of the no-show rate.",
)  # fmt: skip
@click.option(
    "-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="FILE.html or FILE.pdf."
)
def today(sites: tuple[str, ...], day: str | None, named: str, output: Path) -> None:
    """Write the morning huddle of a site: the day's figures, chairs, gaps, days ahead and worklists on one sheet.

    It holds no row of a patient. That it was written goes on record.

    \b
    Example:
        dashboard report today --site dallas -o huddle.pdf
        dashboard report today --site dallas --day 2026-09-14 -o huddle.html
        dashboard report today --site dallas --no-shows scheduled -o huddle.pdf
    """
    from dashboard.access import Role
    from dashboard.reports import files

    # As a manager sees it, with small counts hidden where they are hidden from managers.
    _print(output, files.HUDDLE, Role.MANAGER, lambda reader, _: files.morning(reader, sites, day or "", named))


@brought_to_its_end()
def _print(
    output: Path, name: str, role: Role, make: Callable[[Reader, Store], tuple[Document, dict[str, Any]]]
) -> None:
    """Write a document of every site as a role sees it, with its receipt on record."""
    form = output.suffix.lower()
    if form not in _FORMS:
        raise click.UsageError(f"{output.name} ends in neither .html nor .pdf, so its form isn't clear.")
    # Before the document is made, which takes a while.
    if not output.parent.is_dir():
        fail(f"{output} cannot be written: there is no folder {output.parent}. Make it, or choose another place.")
    # Imported here: it takes seconds, which `--help` shouldn't.
    from dashboard import access
    from dashboard.query_faults import WarehouseError
    from dashboard.receipts import Receipt
    from dashboard.reports import files
    from dashboard.reports.huddle import HuddleError
    from dashboard.reports.safety import MonthError
    from dashboard.shelf import Shelf
    from dashboard.state.chart_marks import ChartMarks
    from dashboard.warehouse import Reader

    try:
        settings = settings_in_force()
        viewer = access.Viewer(operator(), operator(), role)
        with store_of(settings) as store:
            marks = ChartMarks(store).in_force()
            reader = Reader(Shelf(settings).current(), viewer, marks)
            document, described = make(reader, store)
            receipt = Receipt(name, described, reader.catalogue.name)
            # For its owner alone: it may hold small counts.
            put(output, receipt.whole(files.rendered(document, form[1:])), mode=0o600)
            store.audit.record("export", operator(), name, **receipt.details())
    except (MonthError, HuddleError, WarehouseError) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{output} cannot be written ({error.strerror}). Choose another place.")
    click.echo(f"Wrote {output}.")
