"""Panels of the Revenue page: what was invoiced, by service date, and what was paid, by payment date."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from urllib.parse import urlencode

import numpy as np
import pandas as pd

from dashboard import charts, money, time_charts
from dashboard.filters import Filters
from dashboard.measuring import CENTS, measure
from dashboard.metrics import METRICS
from dashboard.panels.column import LINE, PERIOD, SITE, Column
from dashboard.panels.panel import Panel
from dashboard.panels.words import titled
from dashboard.payment_methods import method_name
from dashboard.theme import line_title
from dashboard.warehouse import Reader
from dashboard.waterfall import waterfall
from dashboard.wording import text

KINDS = ("Invoiced", "Paid")
#: The rows behind each of them.
_BEHIND = ("invoice_rows", "payment_rows")
#: Items of the bridge that are sums over invoices; the others are over payments.
_INVOICES = (money.INVOICED, "unpaid_cents", "redeemed_cents")
NO_VISIT = "Not of a visit"
_KIND = Column("kind", "What")
_DOLLARS = Column("value", "US$", "dollars")
_MONEY = ("invoiced", "discount", "outstanding", "paid")
_RATES = ("invoiced_per_visit", "invoiced_per_chair_hour")
_NOTHING = "Nothing was invoiced or paid in this period"


def invoiced(reader: Reader, filters: Filters, *by: str, settled_by: dt.date = dt.date.max) -> pd.DataFrame:
    """Invoiced, discounts, outstanding, visits and chair-hours by the dimensions named, in cents.

    Outstanding is what wasn't paid or redeemed up to `settled_by`, of all that the extract knows unless given.
    """
    values = {k: v for k, v in filters.values().items() if k != "bands"} | {"settled_by": settled_by}
    fine = by if "period" in by else ("site", "line")
    frame = reader.added_up("revenue", fine, by=by, grain=filters.grain, **values)
    return frame.assign(chair_hours=frame["chair_minutes"] / 60)


def paid(reader: Reader, filters: Filters, *by: str) -> pd.DataFrame:
    """Payments, packages sold, refunds and what they come to by the dimensions named, in cents."""
    values = {k: v for k, v in filters.values().items() if k != "bands"}
    fine = by if {"period", "method"} & set(by) else ("site", "line")
    return reader.added_up("paid", fine, by=by, grain=filters.grain, every_line=not filters.lines, **values)


def _beside(reader: Reader, filters: Filters, *by: str) -> pd.DataFrame:
    """Both, whole: a row for each that either has, in the order of the reference tables."""
    keys = list(by)
    names = {"site": reader.sites, "line": filters.scope.lines}
    places = {key: {name: place for place, name in enumerate(known)} for key, known in names.items()}
    both = invoiced(reader, filters, *by).merge(paid(reader, filters, *by)[[*keys, "paid_cents"]], "outer", keys)
    both = both.sort_values(
        keys, key=lambda c: c.map(places[str(c.name)]) if c.name in places else c, ignore_index=True
    )  # the merge had put them in the order of their letters
    measures = [c for c in both.columns if c not in {"period", "site", "line", "service"}]
    return both.assign(**{c: both[c].fillna(0) for c in measures})


def _table(reader: Reader, filters: Filters, by: str) -> pd.DataFrame:
    both = _beside(reader, filters, by)
    found = both[[by, "visits", "chair_hours"]].copy()
    for name in (*_MONEY, *_RATES):
        found[name] = measure(both, METRICS[name])["value"]
    return found


def _opens(frame: pd.DataFrame, filters: Filters, dataset: pd.Series) -> pd.DataFrame:
    """With the address that a bar opens: its rows and files on the page Exports."""
    none = [None] * len(frame)
    sites = frame.get("site", none)
    methods = frame.get("method", none)
    addresses = [
        f"/exports?dataset={name}&{(filters.at(site) if site else filters).address()}"
        + (f"&{urlencode({'method': method})}" if method else "")
        for name, site, method in zip(dataset, sites, methods, strict=True)
    ]
    return frame.assign(opens=addresses)


def _aloud(frame: pd.DataFrame, *names: str) -> pd.DataFrame:
    """With what a screen reader says of a bar, instead of the address that it opens."""
    values = [text(value, "dollars") for value in frame["value"]]
    words = [" ".join(row) for row in frame[list(names)].to_numpy()]
    return frame.assign(said=[f"{word}: {value}" for word, value in zip(words, values, strict=True)])


def _by_site(reader: Reader, filters: Filters) -> pd.DataFrame:
    return titled(_table(reader, filters, "site"), reader)


def _by_line(reader: Reader, filters: Filters) -> pd.DataFrame:
    found = _table(reader, filters, "line")
    return found.assign(line=found["line"].map(line_title, na_action="ignore").fillna(NO_VISIT))


def _table_columns(first: Column) -> tuple[Column, ...]:
    money_columns = (Column(name, f"{METRICS[name].title} (US$)", "dollars") for name in (*_MONEY, *_RATES))
    return (
        first,
        Column("visits", "Visits", "count"),
        Column("chair_hours", "Chair-hours", "decimal"),
        *money_columns,
    )


def _table_answer(frame: pd.DataFrame) -> str:
    in_all, came = frame["invoiced"].sum(), frame["paid"].sum()
    if not in_all and not came:
        return _NOTHING
    return (
        f"{text(in_all, 'dollars')} invoiced, {text(came, 'dollars')} paid, "
        f"{text(frame['outstanding'].sum(), 'dollars')} of the invoices still open"
    )


def _bridge(reader: Reader, filters: Filters) -> pd.DataFrame:
    frame = reader.query("bridge", start=filters.start, end=filters.end, sites=filters.sites)
    sums = frame.drop(columns="site").sum()
    order = [money.INVOICED, *money.ITEMS, money.PAID]
    values = np.array([int(sums[name]) for name in order])
    after = np.cumsum(values)
    after[-1] = values[-1]
    before = np.concatenate([[0], after[:-2], [0]])
    titles = money.ENDS | money.ITEMS
    found = pd.DataFrame(
        {
            "item": [titles[name] for name in order],
            "value": values / CENTS,
            "start": before / CENTS,
            "end": after / CENTS,
        }
    )
    # The bridge is of every line.
    of = pd.Series(["invoice_rows" if name in _INVOICES else "payment_rows" for name in order])
    return _aloud(_opens(found, replace(filters, lines=()), of), "item")


def _bridge_answer(frame: pd.DataFrame) -> str:
    values = dict(zip(frame["item"], frame["value"], strict=True))
    cents = [round(value * CENTS) for value in values.values()]
    if not any(cents):
        return _NOTHING
    gap = sum(cents[:-1]) - cents[-1]
    closes = (
        f"and does not close: {text(gap / CENTS, 'dollars')} are unexplained" if gap else "and closes to the cent"
    )
    return (
        f"From {text(values['Invoiced'], 'dollars')} invoiced to {text(values['Paid'], 'dollars')} paid: "
        f"the bridge lists every item {closes}"
    )


def _bridge_chart(look: charts.Look) -> charts.Chart:
    order = [money.ENDS[money.INVOICED], *money.ITEMS.values(), money.ENDS[money.PAID]]
    return waterfall(look, "From invoiced to paid", "US dollars", order, tuple(money.ENDS.values()))


def _long(frame: pd.DataFrame, *by: str) -> pd.DataFrame:
    parts = [
        frame[list(by)].assign(kind=kind, value=frame[column] / CENTS)
        for kind, column in zip(KINDS, ("invoiced_cents", "paid_cents"), strict=True)
    ]
    return pd.concat(parts, ignore_index=True)


def _over_time(reader: Reader, filters: Filters) -> pd.DataFrame:
    return _long(_beside(reader, filters, "period"), "period")


def _over_time_chart(look: charts.Look) -> charts.Chart:
    kinds = charts.plain(look, "kind", "What", KINDS)
    return time_charts.lines("Invoiced and paid over time", "US dollars", kinds)


def _site_bars(reader: Reader, filters: Filters) -> pd.DataFrame:
    frame = _long(_beside(reader, filters, "site"), "site")
    of = frame["kind"].map(dict(zip(KINDS, _BEHIND, strict=True)))
    return _aloud(titled(_opens(frame, filters, of), reader), "site", "kind")


def _site_chart(look: charts.Look) -> charts.Chart:
    kinds = charts.plain(look, "kind", "What", KINDS)
    return charts.bars(
        "Invoiced and paid by site", "US dollars", "site", "Site", look.sites, kinds,
        side_by_side=True, number_format="$,.2f",
    ).encode(href="opens:N", description="said:N")  # fmt: skip


def _methods(reader: Reader, filters: Filters) -> pd.DataFrame:
    frame = paid(reader, filters, "site", "method")
    found = frame[["site", "method"]].copy()
    for name, column in {"payment": "payment", "sold": "sold", "refund": "refund", "value": "paid"}.items():
        found[name] = frame[f"{column}_cents"] / CENTS
    opened = _opens(found, filters, pd.Series("payment_rows", index=found.index))
    named = opened.assign(method=[method_name(method) for method in opened["method"]])
    return _aloud(titled(named, reader), "site", "method")


def _methods_chart(look: charts.Look) -> charts.Chart:
    return charts.bars(
        "Paid by site and method", "US dollars", "method", "Method", None, charts.by_site(look),
        side_by_side=True, number_format="$,.2f",
    ).encode(href="opens:N", description="said:N")  # fmt: skip


def _missed(reader: Reader, filters: Filters) -> pd.DataFrame:
    values = {k: v for k, v in filters.values().items() if k != "bands"}
    frame = reader.query("missed", **values)
    return titled(frame, reader).assign(value=frame["cents"] / CENTS)


def _missed_answer(frame: pd.DataFrame) -> str:
    if not len(frame):
        return "No visit was missed or cancelled in this period"
    return f"{text(frame['value'].sum(), 'dollars')} at list price were booked and missed or cancelled"


PANELS = (
    Panel(
        "revenue_by_site", "Invoiced, paid and outstanding by site", "revenue", _by_site, _table_columns(SITE),
        metrics=(*_MONEY, *_RATES), answer=_table_answer,
    ),
    Panel(
        "bridge", "From invoiced to paid", "revenue", _bridge,
        (Column("item", "Item"), _DOLLARS), _bridge_chart, ("invoiced", "paid"), _bridge_answer,
        note="All service lines, whatever lines are chosen above: a package belongs to none. A bar opens its rows.",
    ),
    Panel(
        "revenue_over_time", "Invoiced and paid over time", "revenue", _over_time,
        (PERIOD, _KIND, _DOLLARS), _over_time_chart, ("invoiced", "paid"), dated=True,
    ),
    Panel(
        "revenue_bars", "Invoiced and paid by site", "revenue", _site_bars,
        (SITE, _KIND, _DOLLARS), _site_chart, ("invoiced", "paid"), note="A bar opens its rows.",
    ),
    Panel(
        "revenue_by_line", "Invoiced, paid and outstanding by service line", "revenue", _by_line,
        _table_columns(LINE), metrics=(*_MONEY, *_RATES),
    ),
    Panel(
        "paid_by_method", "Paid by site and method", "revenue", _methods,
        (
            SITE, Column("method", "Method"), Column("payment", "Payments (US$)", "dollars"),
            Column("sold", "Packages sold (US$)", "dollars"), Column("refund", "Refunds (US$)", "dollars"),
            Column("value", "Paid (US$)", "dollars"),
        ),
        _methods_chart, ("paid",), note="A bar opens its rows.",
    ),
    Panel(
        "missed_visits", "No-shows and cancellations at list price", "revenue", _missed,
        (SITE, LINE, Column("status", "Status"), Column("missed", "Bookings", "count"), _DOLLARS),
        answer=_missed_answer,
        note="The price of the booking, or the list price of its service where it has none. Who came on another day "
        "instead is in it: this is not what was lost.",
    ),
)  # fmt: skip
