"""Files of several tables: everything on a page, and a month's pack."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pandas as pd
from starlette.responses import PlainTextResponse, Response

from dashboard import access, exports, filters, month_end, unknown
from dashboard.choices import Preview
from dashboard.exports import DATASETS, Dataset, Export
from dashboard.filters import Filters
from dashboard.month_end import MonthError, Pack
from dashboard.navigation import ENTRIES
from dashboard.panels import PANELS, Column
from dashboard.query_faults import WarehouseError
from dashboard.receipts import FileResponse, Part, Receipt, no_such_file
from dashboard.shelf import shelf
from dashboard.sources import Totals
from dashboard.state import Store
from dashboard.state.chart_marks import ChartMarks
from dashboard.state.closed_months import ClosedMonths
from dashboard.warehouse import Reader
from dashboard.writers import sheet_names, workbook

MONTH_END = "month_end"
#: Forms of a page's file, by ending, as staff read them.
PAGE_FORMS = {"zip": "ZIP of CSV files", "xlsx": "Excel, a sheet a table"}
_PREFIX = "page_"


def is_pack(name: str) -> bool:
    """Whether a file's name is one of a pack."""
    return name == MONTH_END or name.startswith(_PREFIX)


def of_page(resource: str) -> list[str]:
    """The datasets that stand on a page, in its order; empty for a page without any."""
    if resource not in {entry.name for entry in ENTRIES}:
        return []
    return [panel.name for panel in PANELS.values() if panel.resource == resource]


#: Everything on a page, as what can be chosen on the page Exports.
PAGES = {
    f"{_PREFIX}{entry.name}": Dataset(
        f"{_PREFIX}{entry.name}", f"Everything on the page {entry.title}", entry.name, columns=()
    )
    for entry in ENTRIES
    if of_page(entry.name)
}
#: All that the page Exports and `dashboard export` offer, by name.
CHOICES: dict[str, Dataset] = {**DATASETS, **PAGES}
_TABLES = (
    Column("title", "Table"),
    Column("rows", "Rows", "count"),
    Column("link", "File", "link"),
)


@dataclass(frozen=True)
class PageExport:
    """One choice of everything on a page: each of its tables in all of its columns. Offers what an `Export` does."""

    reader: Reader
    dataset: Dataset
    tables: tuple[Export, ...]

    @property
    def filters(self) -> Filters:
        """The filters that were asked for."""
        return self.tables[0].filters

    @property
    def refused(self) -> tuple[str, ...]:
        """Sites of the extract that were asked for and aren't the viewer's."""
        return self.tables[0].refused

    @property
    def when(self) -> str:
        """The day or period in words."""
        first = self.tables[0]
        return first.when if self.dataset.of_day else f"Period: {first.period.period_text()}"

    @property
    def forms(self) -> dict[str, str]:
        """The forms of its file, by ending, as staff read them."""
        return PAGE_FORMS

    def summary(self) -> tuple[int, Totals]:
        """How many rows in all; no totals, since tables that show the same money twice add up to nothing."""
        return sum(table.summary()[0] for table in self.tables), {}

    def preview(self, _most: int) -> Preview:
        """Which tables it holds, of how many rows."""
        rows = [(table.dataset.title, table.summary()[0], table.page()) for table in self.tables]
        frame = pd.DataFrame(rows, columns=[column.name for column in _TABLES])
        return Preview(frame, _TABLES, f"Tables of {self.dataset.title}")

    def described(self) -> dict[str, Any]:
        """The filters as they go on record."""
        return self.tables[0].described()

    def query(self) -> dict[str, list[str]]:
        """The parameters of its address."""
        return self.filters.query()

    def link(self, form: str) -> str:
        """The address of its file."""
        return f"/export/{self.dataset.name}.{form}?{self.filters.address()}"

    def file_name(self, form: str) -> str:
        """What the file is called."""
        first = self.tables[0]
        return f"{self.dataset.name}{first.file_name(form).removeprefix(first.dataset.name)}"

    def write(self, form: str) -> tuple[Iterator[bytes], Receipt]:
        """The file's bytes in parts, and the receipt that counts them.

        Raises:
            AccessDeniedError: the page or a site isn't open to the viewer.
        """
        access.require(self.reader.viewer, self.dataset.resource)
        first = self.tables[0]
        link = f"/exports?{urlencode({'dataset': [self.dataset.name], **first.fixed().query()}, doseq=True)}"
        rates = exports.definition_in_use(of_page(self.dataset.resource), self.filters)
        about = first.about(form) | {"link": link, **rates}
        del about["columns"]
        extract = self.reader.catalogue.name
        receipt = Receipt(self.dataset.name, self.described(), extract, self.refused, about)
        of = {"page": self.dataset.resource, **self.described(), "extract": extract, **about}
        parts = _zip(self.tables, of) if form == "zip" else _book(self.reader, self.tables, of)
        return receipt.counted(parts), receipt


def open_to(viewer: access.Viewer) -> list[Dataset]:
    """What the viewer may take, in the order of the pages."""
    return [one for one in CHOICES.values() if access.allows(viewer, one.resource)]


def asked(reader: Reader, chosen: Dataset, parameters: filters.Parameters) -> Export | PageExport:
    """Read an address, of a dataset or of everything on a page."""
    if chosen.columns:
        return exports.asked(reader, chosen, parameters)
    # Each table in all of its columns: those that an address names are of one dataset.
    own = {key: values for key, values in parameters.items() if key not in exports.PARAMETERS}
    tables = tuple(exports.asked(reader, DATASETS[name], own) for name in of_page(chosen.resource))
    return PageExport(reader, chosen, tables)


def month(reader: Reader, store: Store, wanted: str, sites: Sequence[str]) -> tuple[Pack, list[tuple[str, int, int]]]:
    """A month's pack, and what differs in it from the figures as they were closed.

    Raises:
        AccessDeniedError, MonthError: as `month_end.pack`.
    """
    made = month_end.pack(reader, wanted, sites)
    closed = [one for one in ClosedMonths(store).list(wanted) if one.site in made.sites]
    return made, [
        line for one in closed for line in month_end.compare(one.figures, month_end.of_site(made.figures, one.site))
    ]


def month_receipt(reader: Reader, made: Pack, restated: Sequence[object], refused: tuple[str, ...] = ()) -> Receipt:
    """The receipt of a month's pack, wherever it is taken: as of any other file, with what opens the month again."""
    start, end = month_end.days_of(made.month)
    days = {"period": "custom", "from": [str(start)], "to": [str(end)]}
    some = {} if made.sites == reader.sites else {"site": [filters.slug(site) for site in made.sites]}
    about = {
        "form": "zip",
        "definitions": made.definitions,
        "extract_sha256": reader.warehouse.sha256,
        "restated": len(restated),
        "provisional": made.provisional,
        "link": f"/{month_end.RESOURCE}?{urlencode({**days, **some}, doseq=True)}",
        "totals": {name: month_end.shown(name, value) for name, value in month_end.totals(made).items()},
        **({"demo": True} if reader.catalogue.demo else {}),
    }
    return Receipt(MONTH_END, {"month": made.month, "sites": made.sites}, made.extract, refused, about)


def respond(viewer: access.Viewer, store: Store, name: str, form: str, parameters: filters.Parameters) -> Response:
    """The answer to a request for a pack, or a refusal in one line."""
    resource = month_end.RESOURCE if name == MONTH_END else name.removeprefix(_PREFIX)
    known = form == "zip" if name == MONTH_END else form in PAGE_FORMS and name in PAGES
    if not known or not access.allows(viewer, resource):
        return no_such_file()
    try:
        reader = Reader(shelf().current(), viewer, ChartMarks(store).in_force())
        if not reader.sites:
            return PlainTextResponse("No site of this extract is open to this account.\n", status_code=404)
        if name == MONTH_END:
            return _month(reader, store, parameters)
        return exports.answer(reader, asked(reader, PAGES[name], parameters), form, parameters)
    except MonthError as error:
        return PlainTextResponse(f"{error}\n", status_code=400)
    except WarehouseError as error:
        return PlainTextResponse(f"{error}\n", status_code=503)


def _month(reader: Reader, store: Store, parameters: filters.Parameters) -> Response:
    scope = exports.scope_of(reader)
    refused = filters.refused_sites(parameters, reader.catalogue.sites, scope)
    wrong = unknown.misread(parameters, ("month", "site")) or unknown.unnamed(
        "site", parameters.get("site", ()), scope.sites, refused
    )
    if wrong:
        raise MonthError(wrong)
    chosen = filters.parse(parameters, scope).sites
    made, restated = month(reader, store, filters.first(parameters, "month"), chosen)
    receipt = month_receipt(reader, made, restated, refused)
    body = receipt.counted(iter([Part(month_end.written(made, restated), len(made.figures))]))
    some = [] if chosen == scope.sites else list(chosen)
    words = [made.file_name, *some, *(["provisional"] if made.provisional else [])]
    return FileResponse(body, f"{'_'.join(words)}.zip", receipt, exports.MEDIA["zip"])


def _zip(tables: Sequence[Export], of: Mapping[str, Any]) -> Iterator[Part]:
    """Each table as the CSV that its own link gives, and a receipt that names them."""
    files: dict[str, bytes] = {}
    rows: dict[str, int] = {}
    for export in tables:
        name = export.dataset.name
        parts = list(export.source.csv())
        files[f"{name}.csv"] = b"".join(part.data for part in parts)
        rows[f"{name}.csv"] = sum(part.rows for part in parts)
    said = {
        name: {"rows": rows[name], "sha256": hashlib.sha256(data).hexdigest(), "title": export.dataset.title}
        for (name, data), export in zip(files.items(), tables, strict=True)
    }
    files["receipt.json"] = json.dumps({**of, "files": said}, indent=2, default=str, ensure_ascii=False).encode()
    yield Part(month_end.zipped(files), sum(rows.values()))


def _book(reader: Reader, tables: Sequence[Export], of: Mapping[str, Any]) -> Iterator[Part]:
    names = sheet_names([table.dataset.title for table in tables])
    sources = {name: table.source for name, table in zip(names, tables, strict=True)}
    told = {
        f"sheet {name}": f"{t.dataset.title}: {t.summary()[0]:,} rows" for name, t in zip(names, tables, strict=True)
    }
    words = {key: exports.words(value) for key, value in of.items()}
    return workbook(sources, words | told, exports.bench(reader))
