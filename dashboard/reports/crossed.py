"""Tables for paper: one question down, sites or groups across, a figure with its n/N and interval in each cell."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from dashboard import scorecard
from dashboard.metrics import METRICS
from dashboard.reports.document import Grid
from dashboard.scorecard import Row
from dashboard.wording import number, plural, signed, text

NOTHING = "—"
#: Within an interval, so that no line ends between its limits.
_TO = "\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}"


def crossed(
    frame: pd.DataFrame, title: str, down: tuple[str, str], across: tuple[str, str], cell: Callable[[Row], str]
) -> Grid:
    """The rows of a frame as a table of one of its columns against another.

    Of more columns than a page has room for the table is turned: what stood beside each other stands below.

    Args:
        frame: one row for each pair; pairs that it hasn't are left empty.
        title: the table's.
        down: the column whose values stand below each other, and its heading.
        across: the column whose values stand beside each other, and its heading.
        cell: what a row says.
    """
    if frame[across[0]].nunique() > scorecard.MANY + 2:
        down, across = across, down
    cells = {(row[down[0]], row[across[0]]): cell(row) for row in frame.to_dict("records")}
    columns = list(dict.fromkeys(frame[across[0]]))
    rows = tuple(
        (str(one), *(cells.get((one, other), NOTHING) for other in columns)) for one in dict.fromkeys(frame[down[0]])
    )
    return Grid(title, (down[1], *map(str, columns)), (False, *[True] * len(columns)), rows)


def share(row: Row) -> str:
    """A metric's value with its unit, n/N and interval: `93.8 % (797/848), 92.2 to 95.2`."""
    metric = METRICS[row["metric"]]
    if pd.isna(row["value"]):
        return NOTHING if row["denominator"] == 0 else "hidden"
    counts = scorecard.counts(row, metric)
    return text(row["value"], metric.unit) + (f" ({counts})" if counts else "") + _limits(row, 1, metric.bounded)


def incidence(row: Row) -> str:
    """A side effect by infusion: `3.34 (73/2,187), 2.66 to 4.18`."""
    return _incidence(row, "") + (_limits(row, 2, bounded=True) if pd.notna(row["numerator"]) else "")


def bare_incidence(row: Row) -> str:
    """The same without its interval, for tables of many columns; without an event its bound stays."""
    return incidence(row) if row["numerator"] == 0 else _incidence(row, "")


def incidence_by_patient(row: Row) -> str:
    """A side effect by patient, in per cent: `5.02 (69/1,374)`."""
    return _incidence(row, "patient_")


def _incidence(row: Row, of: str) -> str:
    above, below = row[f"{of}numerator"], row[f"{of}denominator"]
    if not below > 0:
        return NOTHING
    if pd.isna(above):
        return "hidden"
    return f"{number(row[f'{of}value'], 2) if above else 0} ({above:,.0f}/{below:,.0f})"


def _limits(row: Row, places: int, bounded: bool) -> str:
    if pd.isna(row["lower"]) or not row["denominator"] > 0:
        return ""
    if bounded and row["numerator"] == 0:
        return f", upper bound\N{NO-BREAK SPACE}{number(row['upper'], 2)}"
    return f", {number(row['lower'], places)}{_TO}{number(row['upper'], places)}"


def events(row: Row) -> str:
    """A number of events of all bookings with its interval, beside how many infusions.

    `3, 0.6 to 8.8; 848 completed infusions`
    """
    infusions = plural(row["denominator"], "completed infusion", "completed infusions")
    if pd.isna(row["value"]):
        return f"hidden; {infusions}"
    return f"{number(row['value'])}, {number(row['lower'], 1)}{_TO}{number(row['upper'], 1)}; {infusions}"


def change(row: Row) -> str:
    """The change from the compared period, and whether it can be told from chance and from another mix."""
    if pd.isna(row["change"]):
        return NOTHING
    if pd.isna(row["change_lower"]):
        return signed(row["change"])
    limits = f"{signed(row['change_lower'])}{_TO}{signed(row['change_upper'])}"
    words = f", {row['change_words']}" if row["change_words"] else ""
    return f"{signed(row['change'])} ({limits}){words}"
