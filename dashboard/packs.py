"""Files of several tables: everything on a page, and a month's pack."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from starlette.responses import PlainTextResponse, Response

from dashboard import access, exports, filters, month_end, warehouse
from dashboard.exports import Export
from dashboard.month_end import MonthError, Pack
from dashboard.navigation import ENTRIES
from dashboard.panels import PANELS
from dashboard.receipts import FileResponse, Part, Receipt, no_such_file
from dashboard.state import Store
from dashboard.state.chart_marks import ChartMarks
from dashboard.state.closed_months import ClosedMonths
from dashboard.warehouse import Reader
from dashboard.writers import FORMS, FileError, workbook

MONTH_END = "month_end"
#: Forms of a page's file, by ending, as staff read them.
PAGE_FORMS = {"zip": "ZIP of CSV files", "xlsx": "Excel, a sheet a table"}
_PREFIX = "page_"
_ZIP = "application/zip"


def is_pack(name: str) -> bool:
    """Whether a file's name is one of a pack."""
    return name == MONTH_END or name.startswith(_PREFIX)


def of_page(resource: str) -> list[str]:
    """The datasets that stand on a page, in its order; empty for a page without any."""
    if resource not in {entry.name for entry in ENTRIES}:
        return []
    return [panel.name for panel in PANELS.values() if panel.resource == resource]


def page_link(resource: str, form: str, address: str) -> str:
    """The address of a page's file with these filters."""
    return f"/export/{_PREFIX}{resource}.{form}?{address}"


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


def respond(
    viewer: access.Viewer, store: Store, name: str, form: str, asked: Mapping[str, Sequence[str]]
) -> Response:
    """The answer to a request for a pack, or a refusal in one line."""
    resource = month_end.RESOURCE if name == MONTH_END else name.removeprefix(_PREFIX)
    known = form == "zip" if name == MONTH_END else form in PAGE_FORMS and of_page(resource)
    if not known or not access.allows(viewer, resource):
        return no_such_file()
    try:
        marks = ChartMarks(store).in_force() if resource == "signals" else ()
        reader = Reader(warehouse.shelf().current(), viewer, marks)
        if not reader.sites:
            return PlainTextResponse("No site of this extract is open to this account.\n", status_code=404)
        if name == MONTH_END:
            return _month(reader, store, asked)
        return _page(reader, resource, form, asked)
    except MonthError as error:
        return PlainTextResponse(f"{error}\n", status_code=400)
    except FileError as error:
        return PlainTextResponse(f"{error}\n", status_code=413)
    except warehouse.WarehouseError as error:
        return PlainTextResponse(f"{error}\n", status_code=503)


def _month(reader: Reader, store: Store, asked: Mapping[str, Sequence[str]]) -> Response:
    scope = exports.scope_of(reader)
    chosen = filters.parse(asked, scope).sites
    made, restated = month(reader, store, next(iter(asked.get("month", ())), ""), chosen)
    about = {
        "form": "zip",
        "definitions": made.definitions,
        "restated": len(restated),
        "provisional": made.provisional,
    }
    refused = filters.refused_sites(asked, reader.catalogue.sites, scope)
    receipt = Receipt(MONTH_END, {"month": made.month, "sites": made.sites}, made.extract, refused, about)
    body = receipt.counted(iter([Part(month_end.written(made, restated), len(made.figures))]))
    some = [] if chosen == scope.sites else list(chosen)
    words = [made.file_name, *some, *(["provisional"] if made.provisional else [])]
    return FileResponse(body, f"{'_'.join(words)}.zip", receipt, _ZIP)


def _page(reader: Reader, resource: str, form: str, asked: Mapping[str, Sequence[str]]) -> Response:
    # Each table in all of its columns: those that an address names are of one dataset.
    asked = {key: values for key, values in asked.items() if key != "columns"}
    tables = {name: exports.asked(reader, exports.DATASETS[name], asked) for name in of_page(resource)}
    first = next(iter(tables.values()))
    about = first.about(form) | {"link": f"/{resource}?{first.filters.address()}"}
    del about["columns"]
    described = first.filters.described(of_day=first.dataset.of_day)
    receipt = Receipt(f"{_PREFIX}{resource}", described, reader.catalogue.name, first.refused, about)
    of = {"page": resource, **described, "extract": reader.catalogue.name, **about}
    parts = _zip(tables, of) if form == "zip" else _book(reader, tables, of)
    body = receipt.counted(parts)
    begun = next(body)
    span = first.file_name(form).removeprefix(first.dataset.name)
    media = _ZIP if form == "zip" else FORMS[form].media_type
    return FileResponse(_rest(begun, body), f"{_PREFIX}{resource}{span}", receipt, media)


def _rest(begun: bytes, body: Iterator[bytes]) -> Iterator[bytes]:
    yield begun
    yield from body


def _zip(tables: Mapping[str, Export], of: Mapping[str, Any]) -> Iterator[Part]:
    """Each table as the CSV that its own link gives, and a receipt that names them."""
    files: dict[str, bytes] = {}
    rows: dict[str, int] = {}
    for name, export in tables.items():
        parts = list(export.source.csv())
        files[f"{name}.csv"] = b"".join(part.data for part in parts)
        rows[f"{name}.csv"] = sum(part.rows for part in parts)
    said = {
        name: {"rows": rows[name], "sha256": hashlib.sha256(data).hexdigest(), "title": export.dataset.title}
        for (name, data), export in zip(files.items(), tables.values(), strict=True)
    }
    files["receipt.json"] = json.dumps({**of, "files": said}, indent=2, default=str, ensure_ascii=False).encode()
    yield Part(month_end.zipped(files), sum(rows.values()))


def _book(reader: Reader, tables: Mapping[str, Export], of: Mapping[str, Any]) -> Iterator[Part]:
    sources = {name: export.source for name, export in tables.items()}
    told = {f"sheet {name}": f"{e.dataset.title}: {e.summary()[0]:,} rows" for name, e in tables.items()}
    words = {key: exports.words(value) for key, value in of.items()}
    return workbook(sources, words | told, reader.warehouse.spill)
