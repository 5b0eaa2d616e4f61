"""Files: what is asked for, within what the viewer may have, and the answer with its receipt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import urlencode

import pandas as pd
from starlette.datastructures import QueryParams
from starlette.responses import PlainTextResponse, Response

from dashboard import access, filters, no_shows, panels, unknown
from dashboard.choices import Choice, Preview
from dashboard.datasets import DATASETS, DATES, Dataset
from dashboard.filters import Filters
from dashboard.intake.contract import DEFINITIONS_VERSION
from dashboard.marks import Mark
from dashboard.panels import Column, today
from dashboard.panels.column import UNIT
from dashboard.payment_methods import folded
from dashboard.query_faults import WarehouseError
from dashboard.receipts import FileResponse, Part, Receipt, no_such_file
from dashboard.shelf import shelf
from dashboard.sources import FrameRows, QueryRows, Source, Totals
from dashboard.surveillance import SERIOUS
from dashboard.warehouse import Reader
from dashboard.writers import FORMS, Bench, FileError

#: What an address of a file, or of the page Exports, names beside the filters.
PARAMETERS = ("dataset", "method", "columns", "date", "extract")
#: As `too_long` of queries/build/macros.sql has it; no payment's is longer.
LONGEST_METHOD = 80
#: Of names that no payment has so many are kept; all of them together give no rows, as each does.
MOST_UNKNOWN = 10
#: Media types of files, by ending.
MEDIA = {form: one.media_type for form, one in FORMS.items()} | {"zip": "application/zip"}

__all__ = ["DATASETS", "DATES", "FORMS", "Dataset", "Export"]


@dataclass(frozen=True)
class Export:
    """One choice of a file: a dataset, filters, columns in order, and which date the period is of.

    `refused` are sites that were asked for and aren't the viewer's. `methods` are payment methods; empty for all.
    """

    reader: Reader
    dataset: Dataset
    filters: Filters
    columns: tuple[Column, ...]
    date: str
    refused: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()

    @property
    def period(self) -> Filters:
        """The filters that the rows are of."""
        return filters_of(self.reader, self.dataset, self.filters)

    @property
    def when(self) -> str:
        """The day or period in words, with the date that it is of."""
        if self.dataset.of_day:
            return f"Day: {filters.day_text(self.period.day)}"
        return f"Period by {DATES[self.date]}: {self.period.period_text()}"

    @property
    def forms(self) -> dict[str, str]:
        """The forms of its file, by ending, as staff read them."""
        return {form: one.title for form, one in FORMS.items()}

    def preview(self, most: int) -> Preview:
        """Its first rows, at most so many."""
        rows = next(parts(self.reader, self.dataset, self.filters, self.date, self.methods))
        columns, title = self.columns, f"First rows of {self.dataset.title}"
        if len(rows) <= most:
            return Preview(rows, columns, title)
        return Preview(rows.head(most), columns, title, f"The first {most:,} rows; the file has them all.")

    @property
    def source(self) -> Source:
        """The rows."""
        dataset, names = self.dataset, {column.name for column in self.columns}
        totals = tuple(name for name in dataset.totals if name in names)
        if dataset.query is None:
            make = partial(parts, self.reader, dataset, self.filters)
            return FrameRows(make, self.columns, totals)
        values = _values(dataset, self.filters, self.date, self.methods)
        return QueryRows(self.reader, dataset.query, values, self.columns, totals)

    def summary(self) -> tuple[int, Totals]:
        """How many rows, and their control totals, as the file will have them."""
        access.require(self.reader.viewer, self.dataset.resource)
        return self.source.summary()

    def query(self) -> dict[str, list[str]]:
        """The parameters of its address; what stands at its default is left out."""
        found = self.filters.query()
        if self.methods:
            found["method"] = list(self.methods)
        if self.date != self.dataset.dates[0]:
            found["date"] = [self.date]
        if self.columns != columns_of(self.reader, self.dataset, self.filters):
            found["columns"] = [",".join(column.name for column in self.columns)]
        return found

    def page(self) -> str:
        """The address of the page Exports that opens it again, with its dates spelled out."""
        return f"/exports?{urlencode({'dataset': [self.dataset.name], **self.fixed().query()}, doseq=True)}"

    def fixed(self) -> Export:
        """The same with its dates spelled out."""
        if self.dataset.of_day:
            return self
        return replace(self, filters=self.filters.on(self.period.start, self.period.end))

    def link(self, form: str) -> str:
        """The address of its file."""
        return f"/export/{self.dataset.name}.{form}?{urlencode(self.query(), doseq=True)}"

    def file_name(self, form: str) -> str:
        """What the file is called: what it is of, and which date where there is a choice."""
        if self.dataset.of_day:
            return f"{self.dataset.name}_{self.filters.day}.{form}"
        by = f"_by_{self.date}_date" if len(self.dataset.dates) > 1 else ""
        return f"{self.dataset.name}{by}_{self.period.start}_{self.period.end}.{form}"

    def described(self) -> dict[str, Any]:
        """The filters as they go on record."""
        chosen = self.filters.described(of_day=self.dataset.of_day)
        if self.methods:
            chosen["methods"] = self.methods
        return chosen if self.dataset.query is None else {**chosen, "date": DATES[self.date]}

    def about(self, form: str) -> dict[str, Any]:
        """What else goes on record of its file."""
        catalogue = self.reader.catalogue
        return {
            "form": form,
            "definitions": DEFINITIONS_VERSION,
            "extract_sha256": self.reader.warehouse.sha256,
            "columns": [column.name for column in self.columns],
            "link": self.page(),
            **definition_in_use([self.dataset.name], self.filters),
            **({"demo": True} if catalogue.demo else {}),
        }

    def write(self, form: str) -> tuple[Iterator[bytes], Receipt]:
        """The file's bytes in parts, and the receipt that counts them.

        Raises:
            AccessDeniedError: the dataset or a site isn't open to the viewer.
        """
        access.require(self.reader.viewer, self.dataset.resource)
        about = self.about(form)
        receipt = Receipt(self.dataset.name, self.described(), self.reader.catalogue.name, self.refused, about)
        # On the file itself, only what is the same each time it is taken.
        of = {"dataset": self.dataset.title, **self.described(), "extract": self.reader.catalogue.name, **about}
        if FORMS[form].own_totals:
            rows, totals = self.summary()
            of |= {"rows": rows} | {f"total of {name}": value for name, value in totals.items()}
        said = {key: words(value) for key, value in of.items()}
        return receipt.counted(FORMS[form].write(self.source, said, bench(self.reader))), receipt


def definition_in_use(names: Iterable[str], chosen: Filters) -> dict[str, str]:
    """Which no-show rate a file of these datasets holds, as it goes on record; empty where it holds none."""
    shown = any(name in panels.PANELS and panels.PANELS[name].shows_no_shows for name in names)
    return {"no_show_rate": no_shows.DEFINITIONS[chosen.no_shows].told} if shown else {}


def bench(reader: Reader) -> Bench:
    """Where files of this reader's extract are made."""
    return Bench(reader.warehouse.spill, reader.warehouse.workbook_cells)


def words(value: Any) -> str:
    """A value as a file says it of itself."""
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def columns_of(reader: Reader, dataset: Dataset, chosen: Filters) -> tuple[Column, ...]:
    """The dataset's columns as this viewer gets them, with headings of what is chosen."""
    return dataset.columns if dataset.query else panels.columns(reader, dataset.name, chosen)


def filters_of(reader: Reader, dataset: Dataset, chosen: Filters) -> Filters:
    """The filters that the dataset's rows are of."""
    return chosen if dataset.query else panels.asked(reader, dataset.name, chosen)


def asked(reader: Reader, dataset: Dataset, parameters: filters.Parameters) -> Export:
    """Read an address. What is unknown, malformed or the viewer's not falls to its default."""
    scope = scope_of(reader)
    chosen = filters.parse(parameters, scope)
    known = {column.name: column for column in columns_of(reader, dataset, chosen)}
    named = dict.fromkeys(name for text in parameters.get("columns", ()) for name in text.split(","))
    columns = tuple(known[name] for name in named if name in known)
    date = filters.first(parameters, "date")
    return Export(
        reader,
        dataset,
        chosen,
        columns or tuple(known.values()),
        date if date in dataset.dates else dataset.dates[0],
        filters.refused_sites(parameters, reader.catalogue.sites, scope),
        _methods(parameters, reader) if dataset.by_method else (),
    )


def methods_of(reader: Reader) -> tuple[str, ...]:
    """The payment methods that payments of the viewer's sites name, in order."""
    return tuple(reader.query("payment_methods")["method"])


def _methods(parameters: filters.Parameters, reader: Reader) -> tuple[str, ...]:
    """The payment methods that an address asks for.

    One that no payment names stays: it gives no rows, where dropping it would give every other method's.
    """
    named = {text.strip().lower() for text in parameters.get("method", ())}
    kept = {text for text in named if text.isprintable() and 0 < len(text) <= LONGEST_METHOD}
    # An extract of an earlier version may have them as they were delivered.
    known = set(methods_of(reader)) if kept else kept
    found = {text if text in known else folded(text) for text in kept} - {""}
    # What is asked for goes on record: a thousand names that nobody uses would fill it.
    return tuple(sorted((found & known) | set(sorted(found - known)[:MOST_UNKNOWN])))


def parts(
    reader: Reader, dataset: Dataset, chosen: Filters, date: str | None = None, methods: Sequence[str] = ()
) -> Iterator[pd.DataFrame]:
    """The dataset's rows in its columns, in parts.

    Raises:
        AccessDeniedError: the dataset or a site isn't open to the viewer.
    """
    access.require(reader.viewer, dataset.resource)
    keys = [column.name for column in columns_of(reader, dataset, chosen)]
    if dataset.query is None:
        rows = panels.rows(reader, dataset.name, chosen)
        # Also where its unit is no column of its own: figures are written by it.
        yield rows[[*keys, *({UNIT}.intersection(rows) - set(keys))]]
        return
    values = _values(dataset, chosen, date or dataset.dates[0], methods)
    for part in reader.warehouse.stream(reader.viewer, dataset.query, **values):
        yield part[keys]


def _values(dataset: Dataset, chosen: Filters, date: str, methods: Sequence[str]) -> dict[str, Any]:
    """What the dataset's query binds."""
    given = {**chosen.values(), "every_line": not chosen.lines, "methods": tuple(methods)}
    dated = {"dated": date} if len(dataset.dates) > 1 else {}
    return {k: v for k, v in given.items() if k in ("start", "end", *dataset.by)} | dated


def csv_parts(columns: Sequence[Column], frames: Iterator[pd.DataFrame]) -> Iterator[Part]:
    """Frames as parts of a CSV file (RFC 4180, UTF-8, with a byte-order mark for Excel)."""
    return FrameRows(lambda: frames, tuple(columns)).csv()


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
        (SERIOUS, *catalogue.effects_at(reader.sites)),
        today.figures_of(reader),
    )


def respond(
    viewer: access.Viewer, name: str, parameters: QueryParams, form: str = "csv", marks: tuple[Mark, ...] = ()
) -> Response:
    """The answer to a request for a file: the whole file, or a refusal in one line."""
    dataset = DATASETS.get(name)
    if dataset is None or form not in FORMS or not access.allows(viewer, dataset.resource):
        return no_such_file()
    try:
        reader = Reader(shelf().current(), viewer, marks)
    except WarehouseError as error:
        return PlainTextResponse(f"{error}\n", status_code=503)
    if not reader.sites:
        return PlainTextResponse("No site of this extract is open to this account.\n", status_code=404)
    named: Mapping[str, list[str]] = {key: parameters.getlist(key) for key in parameters}
    return answer(reader, asked(reader, dataset, named), form, named)


def fault(chosen: Choice, parameters: filters.Parameters, *, strict: bool = False) -> str | None:
    """What an address names that a file can't be of, in a sentence; None where the file is what was meant."""
    return (
        unknown.misread(parameters, (*filters.PARAMETERS, *PARAMETERS))
        or unknown.fault(parameters, chosen.filters.scope, of_day=chosen.dataset.of_day)
        or missing(chosen, parameters, strict=strict)
    )


def missing(chosen: Choice, parameters: filters.Parameters, *, strict: bool = False) -> str | None:
    """Which site, line, age band, column, date or other choice of an address there isn't, in a sentence.

    Where one is gone since an address was kept, a file would silently be of all of them.
    Sites that aren't the viewer's are left out of it and go on record, unless `strict`: then they are missing too.
    """
    scope = chosen.filters.scope
    others = () if strict else [site for site in chosen.reader.catalogue.sites if site not in scope.sites]
    found = (
        unknown.unnamed(word, parameters.get(word, ()), *known) for word, *known in unknown.choices(scope, others)
    )
    return next(filter(None, found), None) or unfit(chosen, parameters, strict=strict)


def unfit(chosen: Choice, parameters: filters.Parameters, *, strict: bool = False) -> str | None:
    """Which dataset, payment method, column or date of an address there isn't, in a sentence."""
    dataset = chosen.dataset
    # What stands behind the question mark on the page Exports names it, and may be put behind another's path.
    named: list[tuple[str, Sequence[str], tuple[str, ...]]] = [
        ("dataset", parameters.get("dataset", ()), (dataset.name,))
    ]
    if not dataset.by_method:
        named.append(("method", parameters.get("method", ()), ()))
    # What is on a page has all of its columns, whatever an address says; named outright it is a slip.
    if dataset.columns or strict:
        every = columns_of(chosen.reader, dataset, chosen.filters) if dataset.columns else ()
        columns = tuple(column.name for column in every)
        listed = ",".join(parameters.get("columns", ())).split(",")
        named += [("column", listed, columns), ("date", parameters.get("date", ()), dataset.dates)]
    return next((wrong for one in named if (wrong := unknown.unnamed(*one))), None)


def answer(reader: Reader, chosen: Choice, form: str, parameters: filters.Parameters) -> Response:
    """The whole file, or a refusal in one line."""
    extract = filters.first(parameters, "extract")
    if extract and extract != reader.catalogue.name:
        return PlainTextResponse(
            "There is newer data than on the page that this link is from. Load the page again, look at its totals, "
            "then take the file.\n",
            status_code=409,
        )
    if wrong := fault(chosen, parameters):
        return PlainTextResponse(f"{wrong}\n", status_code=400)
    body, receipt = chosen.write(form)
    try:
        # The first rows are read before the answer begins, so that a failure can still say so.
        first = [next(body), *([more] if (more := next(body, b"")) else [])]
    except FileError as error:
        return PlainTextResponse(f"{error}\n", status_code=413)
    except WarehouseError as error:
        return PlainTextResponse(f"{error}\n", status_code=503)
    return FileResponse(_whole(first, body), chosen.file_name(form), receipt, MEDIA[form])


def _whole(first: list[bytes], rest: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from first
        yield from rest
    finally:
        rest.close()  # type: ignore[attr-defined]  # a generator: it lets go of the extract
