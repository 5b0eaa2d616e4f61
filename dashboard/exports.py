"""Files: every panel's table and the row-level datasets, as CSV, from the same rows as the screen."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd
from starlette.datastructures import QueryParams
from starlette.responses import PlainTextResponse, Response

from dashboard import access, filters, panels, warehouse
from dashboard.filters import Filters
from dashboard.navigation import ENTRIES
from dashboard.panels import PANELS, Column, today
from dashboard.receipts import FileResponse, Receipt, no_such_file
from dashboard.surveillance import SERIOUS
from dashboard.warehouse import Reader

#: Cells that a spreadsheet would run as a formula begin with one of these.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Dataset:
    """A file that a role may take: a panel's table, or the rows of a query.

    `query` is None for a panel's table. `period` says which date the period is of.
    """

    name: str
    title: str
    resource: str
    columns: tuple[Column, ...]
    query: str | None = None
    period: str = "service date"
    by: tuple[str, ...] = ("sites", "lines", "bands")

    @property
    def of_day(self) -> bool:
        """Whether it is of one day, and the days around it, instead of a period."""
        return self.resource == "today"

    @property
    def label(self) -> str:
        """The title with the page it stands on."""
        page = next((entry.title for entry in ENTRIES if entry.name == self.resource), "Rows")
        return f"{page}: {self.title}"


def _rows(name: str, title: str, columns: str, **options: object) -> Dataset:
    headed = tuple(
        Column(key, heading.replace("_", " "), form)  # type: ignore[arg-type]
        for key, heading, form in (part.split(":") for part in columns.split())
    )
    return Dataset(name, title, name, headed, f"rows_{name.removesuffix('_rows')}s", **options)  # type: ignore[arg-type]


_PATIENT = "patient:Patient:text"
_ROW_DATASETS = (
    _rows(
        "booking_rows",
        "Bookings, one row each",
        f"booking_id:Booking:text {_PATIENT} site:Site:text service:Service:text line:Line:text "
        "status:Status:text starts_at:Start:datetime ends_at:End:datetime booked_on:Booked:date "
        "lead_days:Lead_days:count age:Age:count band:Age_band:text sex:Sex:text indication:Indication:text "
        "provider:Provider:text supervision:Supervision:text "
        "mental_health_provider:Mental_health_provider:text channel:Channel:text "
        "chair_minutes:Chair_minutes:count price:Price_USD:dollars assessed:Form_filled_in:text "
        "dose_mg:Dose_mg:decimal is_new:New_patient:text",
    ),
    _rows(
        "side_effect_rows",
        "Side effects, one row each",
        f"event_id:Event:text booking_id:Booking:text {_PATIENT} site:Site:text service:Service:text "
        "line:Line:text band:Age_band:text starts_on:Visit:date effect:Side_effect:text "
        "severity:Severity:text serious:Serious:text related:Related:text onset_at:Onset:datetime "
        "resolved_at:Resolved:datetime onset_minutes:Onset_minutes:count "
        "duration_minutes:Duration_minutes:count outcome:Outcome:text transfer:Emergency_transfer:text "
        "action:Action:text",
    ),
    _rows(
        "payment_rows",
        "Payments, one row each",
        f"payment_id:Payment:text {_PATIENT} booking_id:Booking:text site:Site:text line:Line:text "
        "paid_at:Paid_at:datetime kind:Kind:text method:Method:text amount:Amount_USD:dollars",
        period="payment date",
        by=("sites",),
    ),
)

DATASETS: dict[str, Dataset] = {
    **{panel.name: Dataset(panel.name, panel.title, panel.resource, panel.columns) for panel in PANELS.values()},
    **{dataset.name: dataset for dataset in _ROW_DATASETS},
}


def open_to(viewer: access.Viewer) -> list[Dataset]:
    """The datasets that the viewer may take, in the order of the pages."""
    return [d for d in DATASETS.values() if access.allows(viewer, d.resource)]


def columns_of(reader: Reader, dataset: Dataset) -> tuple[Column, ...]:
    """The dataset's columns as this viewer gets them."""
    return dataset.columns if dataset.query else panels.columns(reader, dataset.name)


def filters_of(reader: Reader, dataset: Dataset, chosen: Filters) -> Filters:
    """The filters that the dataset's rows are of."""
    return chosen if dataset.query else panels.asked(reader, dataset.name, chosen)


def parts(reader: Reader, dataset: Dataset, chosen: Filters) -> Iterator[pd.DataFrame]:
    """The dataset's rows in its columns, in parts.

    Raises:
        AccessDeniedError: the dataset or a site isn't open to the viewer.
    """
    access.require(reader.viewer, dataset.resource)
    keys = [column.name for column in columns_of(reader, dataset)]
    if dataset.query is None:
        yield panels.rows(reader, dataset.name, chosen)[keys]
        return
    values = {k: v for k, v in chosen.values().items() if k in ("start", "end", *dataset.by)}
    for part in reader.warehouse.stream(reader.viewer, dataset.query, **values):
        yield part[keys]


def csv_text(columns: Sequence[Column], frames: Iterator[pd.DataFrame]) -> Iterator[str]:
    """CSV (RFC 4180, UTF-8, with a byte-order mark for Excel) in parts.

    Text that a spreadsheet would run as a formula gets an apostrophe in front; numbers don't.
    """
    yield "\ufeff" + _lines([[_harmless(column.title) for column in columns]])
    for frame in frames:
        yield _lines(zip(*(_cells(frame[column.name], column) for column in columns), strict=True))


def _lines(rows: object) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)  # type: ignore[arg-type]
    return text.getvalue()


def _cells(values: pd.Series, column: Column) -> list[str]:
    empty = values.isna()
    if column.format == "date":
        cells = pd.to_datetime(values).dt.strftime("%Y-%m-%d")
    elif column.format == "datetime":
        cells = pd.to_datetime(values).dt.strftime("%Y-%m-%dT%H:%M:%S")
    elif column.format == "count":
        cells = values.map(lambda v: f"{v:.0f}", na_action="ignore")
    elif column.format == "dollars":
        cells = values.map(lambda v: f"{v:.2f}", na_action="ignore")
    elif column.format in {"decimal", "percent"}:
        cells = values.map(lambda v: repr(float(v)), na_action="ignore")
    else:
        cells = values.map(lambda v: _harmless(str(v)), na_action="ignore")
    return cells.astype("object").mask(empty, "").tolist()


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def scope_of(reader: Reader) -> filters.Scope:
    """What this viewer may ask of this extract."""
    catalogue = reader.catalogue
    return filters.Scope(
        catalogue.first_day,
        catalogue.last_day,
        catalogue.last_full_day,
        reader.sites,
        catalogue.lines,
        catalogue.bands,
        (SERIOUS, *catalogue.effects),
        today.figures_of(reader),
    )


def respond(viewer: access.Viewer, name: str, parameters: QueryParams) -> Response:
    """The answer to a request for a file: the whole file, or a refusal in one line."""
    dataset = DATASETS.get(name)
    if dataset is None or not access.allows(viewer, dataset.resource):
        return no_such_file()
    try:
        reader = Reader(warehouse.shelf().current(), viewer)
    except warehouse.WarehouseError as error:
        return PlainTextResponse(f"{error}\n", status_code=503)
    if not reader.sites:
        return PlainTextResponse("No site of this extract is open to this account.\n", status_code=404)
    asked = {key: parameters.getlist(key) for key in parameters}
    scope = scope_of(reader)
    chosen = filters.parse(asked, scope)
    refused = filters.refused_sites(asked, reader.catalogue.sites, scope)
    receipt = Receipt(name, chosen.described(of_day=dataset.of_day), reader.catalogue.name, refused)
    body = csv_text(columns_of(reader, dataset), receipt.rows_of(parts(reader, dataset, chosen)))
    try:
        # The first rows are read before the answer begins, so that a failure can still say so.
        head = [next(body), *([first] if (first := next(body, "")) else [])]
    except warehouse.WarehouseError as error:
        return PlainTextResponse(f"{error}\n", status_code=503)
    of = filters_of(reader, dataset, chosen)
    file = f"{name}_{of.start}_{of.end}.csv"

    def whole() -> Iterator[str]:
        yield from head
        yield from body

    return FileResponse(receipt.counted(whole()), file, receipt)
