"""The month-end pack: one ZIP of what finance closes a month with, and what a later extract changed of it."""

from __future__ import annotations

import calendar
import datetime as dt
import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pandas as pd

from dashboard import access, exports, filters, money
from dashboard.filters import Filters
from dashboard.intake.contract import DEFINITIONS_VERSION
from dashboard.metrics import Unit
from dashboard.panels import Column, revenue
from dashboard.panels.column import UNIT
from dashboard.panels.words import titled
from dashboard.payment_methods import method_name
from dashboard.sources import FrameRows
from dashboard.warehouse import Reader

RESOURCE = "revenue"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest that a ZIP can say: the same figures give the same bytes

#: A figure's key: table, site, what it is, in words that stay from month to month.
Figures = dict[str, int]
_OWED = "owed_at_end_cents"
#: What stood in its place in months that earlier versions closed.
_ONCE = " | outstanding_cents"


class MonthError(RuntimeError):
    """A month that cannot be packed or closed; the message says why and what to do."""


class AbsentMonthError(MonthError):
    """The extract holds nothing of the month."""


@dataclass(frozen=True)
class Table:
    """A table of the pack: its file's name, columns and rows; money in cents becomes dollars when it is written.

    Rows name sites, lines and methods as pages do; the keys are in the figures and the receipt.
    """

    name: str
    columns: tuple[Column, ...]
    rows: pd.DataFrame


@dataclass(frozen=True)
class Pack:
    """A month's tables and all of their figures.

    `sites` are keys. `provisional` says that the extract ends before the month does.
    """

    month: str
    sites: tuple[str, ...]
    site_names: tuple[str, ...]
    tables: tuple[Table, ...]
    figures: Figures
    extract: str
    definitions: str
    provisional: bool

    @property
    def file_name(self) -> str:
        """What its ZIP is called; `sites` are named by the caller where they aren't all."""
        return f"month-end_{self.month}"


def days_of(month: str) -> tuple[dt.date, dt.date]:
    """The first and last day of a month.

    >>> days_of("2026-02")
    (datetime.date(2026, 2, 1), datetime.date(2026, 2, 28))

    Raises:
        MonthError: no month.
    """
    try:
        first = dt.date.fromisoformat(f"{month}-01")
    except ValueError:
        raise MonthError(f"{month!r} is no month; write it as 2026-10") from None
    return first, first.replace(day=calendar.monthrange(first.year, first.month)[1])


def pack(reader: Reader, month: str, sites: Sequence[str] = ()) -> Pack:
    """Work out a month, for these sites or all that the viewer may see.

    Raises:
        AccessDeniedError: money, or a site, isn't open to the viewer.
        AbsentMonthError: no such month in the extract.
        MonthError: no month, or figures that don't tie out.
    """
    viewer = access.require(reader.viewer, RESOURCE)
    for site in sites:
        access.require(viewer, RESOURCE, site)
    start, end = days_of(month)
    catalogue = reader.catalogue
    if start > catalogue.last_day or end < catalogue.first_day:
        raise AbsentMonthError(
            f"{month} is not in the extract, which holds {catalogue.first_day} to {catalogue.last_day}; "
            "choose another month, or import a newer delivery"
        )
    chosen = filters.parse({}, exports.scope_of(reader)).at(*(sites or reader.sites)).on(start, end)
    tables, figures = [], Figures()
    for table, keys, values in _tables(reader, chosen):
        tables.append(_named(table, reader))
        for row in table.rows.to_dict("records"):
            for value in values:
                key = " | ".join([table.name, *(str(row[key]) for key in keys), value])
                figures[key] = _whole(row[value])
    _require_ties(figures)
    return Pack(
        month, tuple(chosen.sites), tuple(map(catalogue.site_name, chosen.sites)), tuple(tables), figures,
        catalogue.name, DEFINITIONS_VERSION,
        provisional=end > catalogue.last_full_day,
    )  # fmt: skip


def _named(table: Table, reader: Reader) -> Table:
    """The table with names that staff read instead of keys."""
    rows = titled(table.rows, reader)
    if "method" in rows:
        rows = rows.assign(method=rows["method"].map(method_name))
    return replace(table, rows=rows)


def _tables(reader: Reader, chosen: Filters) -> list[tuple[Table, tuple[str, ...], tuple[str, ...]]]:
    """Each table with its key columns and its figures."""
    # Not what is outstanding today, which every later payment would change.
    invoiced = revenue.invoiced(reader, chosen, "site", "line", settled_by=chosen.end)
    invoiced = invoiced.rename(columns={"outstanding_cents": _OWED})
    paid = revenue.paid(reader, chosen, "site", "method")
    refunds = revenue.paid(reader, chosen, "site", "line", "method")
    values = {"start": chosen.start, "end": chosen.end, "sites": chosen.sites}
    bridge = reader.query("bridge", **values)
    bridge["difference_cents"] = [money.bridge_gap(dict(row)) for _, row in bridge.iterrows()]
    liability = reader.query("package_liability", **values).drop(columns="month")
    for name in ("opening", "sold", "redeemed", "refunded", "expired", "closing"):
        liability[f"{name}_cents"] = [_cents(value) for value in liability[name]]
    liability["difference_cents"] = [
        money.liability_gap({n: row[f"{n}_cents"] for n in (*money.MOVEMENTS, "closing")})
        for row in liability.to_dict("records")
    ]
    missed = reader.query("missed", **values, lines=chosen.lines or chosen.scope.lines)
    words = money.ENDS | money.ITEMS | {"difference_cents": "Difference (must be 0)"}
    return [
        _table(
            "revenue_by_line", invoiced, {"site": "Site", "line": "Service line"},
            {"visits": "Visits", "invoiced_cents": "Invoiced", "discount_cents": "Discounts",
             _OWED: "Not paid by the month's end"},
        ),
        _table(
            "paid_by_method", paid,
            {"site": "Site", "method": "Method"},
            {"payment_cents": "Payments", "sold_cents": "Packages sold", "refund_cents": "Refunds",
             "paid_cents": "Paid"},
        ),
        _table(
            "refunds",
            refunds[refunds["refund_cents"] != 0].assign(line=lambda f: f["line"].fillna("package")),
            {"site": "Site", "line": "Service line", "method": "Method"}, {"refund_cents": "Refunds"},
        ),
        _table("bridge", bridge, {"site": "Site"}, {name: words[name] for name in
               (money.INVOICED, *money.ITEMS, money.PAID, "difference_cents")}),
        _table(
            "package_liability", liability, {"site": "Site"},
            {f"{name}_cents": name.capitalize() for name in (*money.MOVEMENTS, "closing")}
            | {"difference_cents": words["difference_cents"]},
        ),
        _table(
            "no_shows_and_cancellations", missed, {"site": "Site", "line": "Service line", "status": "Status"},
            {"missed": "Bookings", "cents": "At list price"},
        ),
    ]  # fmt: skip


def _table(
    name: str, frame: pd.DataFrame, keys: Mapping[str, str], values: Mapping[str, str]
) -> tuple[Table, tuple[str, ...], tuple[str, ...]]:
    columns = [Column(key, title) for key, title in keys.items()]
    for key, title in values.items():
        dollars = key.endswith("cents")
        columns.append(Column(key, f"{title} (US$)" if dollars else title, "dollars" if dollars else "count"))
    rows = frame[[*keys, *values]].reset_index(drop=True)
    return Table(name, tuple(columns), rows), tuple(keys), tuple(values)


def _require_ties(figures: Figures) -> None:
    if open_ones := [key for key, cents in figures.items() if key.endswith("difference_cents") and cents]:
        raise MonthError(
            f"these do not tie out, and nothing was written: {'; '.join(open_ones)}. Report it with the extract"
        )


def compare(before: Figures, now: Figures) -> list[tuple[str, int, int]]:
    """What differs, line by line: key, closed figure, figure now. A line that one lacks counts as 0.

    Months closed by an earlier version hold what was outstanding in their extract, and not at their end; the two are
    no change of each other.
    """
    if any(key.endswith(_ONCE) for key in before):
        before, now = (
            {key: cents for key, cents in one.items() if not key.endswith((_ONCE, f" | {_OWED}"))}
            for one in (before, now)
        )
    keys = dict.fromkeys([*before, *now])
    pairs = [(key, before.get(key, 0), now.get(key, 0)) for key in keys]
    return [pair for pair in pairs if pair[1] != pair[2]]


def of_site(figures: Figures, site: str) -> Figures:
    """Those figures that are of a site."""
    return {key: value for key, value in figures.items() if key.split(" | ")[1] == site}


def totals(made: Pack) -> Figures:
    """Control totals over all of the pack's sites: what was invoiced and paid, and what is owed in packages."""
    wanted = (("bridge", money.INVOICED), ("bridge", money.PAID), ("package_liability", "closing_cents"))
    tables = {table.name: table.rows for table in made.tables}
    return {f"{table} | {column}": sum(map(_whole, tables[table][column])) for table, column in wanted}


def unit_of(key: str) -> Unit:
    """The unit of a figure.

    >>> unit_of("bridge | dallas | paid_cents"), unit_of("revenue_by_line | dallas | vitamin | visits")
    ('dollars', 'count')
    """
    return "dollars" if key.endswith("cents") else "count"


def shown(key: str, value: int) -> str:
    """A figure as people read it.

    >>> shown("bridge | dallas | paid_cents", -12345), shown("revenue_by_line | dallas | vitamin | visits", 3)
    ('-123.45', '3')
    """
    return f"{Decimal(value) / 100:.2f}" if key.endswith("cents") else str(value)


def written(made: Pack, restated: Sequence[tuple[str, int, int]] = ()) -> bytes:
    """The ZIP: a cover sheet, each table as CSV, and what was restated, if anything was.

    Of the same extract, and the same month as closed, always the same bytes.
    """
    files = {f"{table.name}.csv": _csv(table) for table in made.tables}
    if restated:
        # As numbers: text with a minus would be guarded as a formula.
        rows = [(key, _number(key, was), _number(key, is_now), unit_of(key)) for key, was, is_now in restated]
        columns = (
            Column("figure", "Figure"),
            Column("closed", "As closed", "decimal", own="value"),
            Column("now", "Now", "decimal", own="value"),
        )
        frame = pd.DataFrame(rows, columns=[*(column.name for column in columns), UNIT])
        files["restated.csv"] = _csv(Table("restated", columns, frame))
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    cover = _cover(made, restated, digests)
    about = {
        "month": made.month,
        "sites": made.sites,
        "extract": made.extract,
        "definitions": made.definitions,
        "provisional": made.provisional,
        "restated": len(restated),
        "sha256": digests,
    }
    everything = {"cover.csv": _csv(cover), **files, "receipt.json": json.dumps(about, indent=2).encode()}
    return zipped(everything)


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A ZIP without times: the same files give the same bytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def _cover(made: Pack, restated: Sequence[Any], digests: Mapping[str, str]) -> Table:
    """Control totals over all sites, and what the pack is of."""
    rows = [
        # As staff read it: what a spreadsheet takes for a day would have an apostrophe in front.
        ("Month", f"{days_of(made.month)[0]:%B %Y}"),
        ("Sites", ", ".join(made.site_names)),
        ("Extract", made.extract),
        ("Definitions", made.definitions),
        ("State", "provisional: the month is not over in this extract" if made.provisional else "whole month"),
        ("Restated figures", str(len(restated))),
    ]
    totals = [
        (f"{table.name}: {column.title}", column.format == "dollars", sum(_whole(v) for v in table.rows[column.name]))
        for table in made.tables
        for column in table.columns
        if column.format != "text"
    ]
    rows += [(f"SHA-256 of {name}", digest) for name, digest in digests.items()]
    frame = pd.DataFrame(
        [(what, words, None, None) for what, words in rows]
        # Dollars and counts each in a column of their own: a sum of money has two places.
        + [(what, "", *((total, None) if money else (None, total))) for what, money, total in totals],
        columns=["what", "value", "dollars", "number"],
        dtype="object",
    )
    columns = (
        Column("what", "What"), Column("value", "Value"), Column("dollars", "Total (US$)", "dollars"),
        Column("number", "Number", "count"),
    )  # fmt: skip
    return Table("cover", columns, frame)


def _number(key: str, value: int) -> Decimal:
    return Decimal(value) / 100 if key.endswith("cents") else Decimal(value)


def _csv(table: Table) -> bytes:
    rows = table.rows.copy()
    for column in table.columns:
        if column.format == "dollars":
            dollars = [None if value is None else Decimal(_whole(value)) / 100 for value in rows[column.name]]
            rows[column.name] = pd.Series(dollars, index=rows.index, dtype="object")
    source = FrameRows(lambda: iter([rows]), table.columns)
    return b"".join(part.data for part in source.csv())


def _whole(value: Any) -> int:
    return int(value)


def _cents(dollars: Any) -> int:
    return round(Decimal(str(dollars)) * 100)
