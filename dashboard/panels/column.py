"""What a column of a panel's rows is: its heading, its unit, its format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dashboard.metrics import METRICS

Format = Literal["text", "date", "count", "decimal", "percent", "dollars", "datetime", "link"]


#: The column of rows that says which unit each of them is in.
UNIT = "unit"


@dataclass(frozen=True)
class Column:
    """A column of a table and file: its key in the rows, its heading with unit, its format.

    `own` says that each row's figure is in the unit that the row names (`UNIT`): a value of it, or a change of one.
    """

    name: str
    title: str
    format: Format = "text"
    own: Literal["", "value", "change"] = ""


def own_format(value: float, unit: str) -> Format:
    """The format of a figure in its row's unit; what is no whole count, such as a limit of one, keeps its places.

    >>> own_format(38.0, "count"), own_format(39.4, "count"), own_format(12.5, "dollars"), own_format(7.0, "percent")
    ('count', 'decimal', 'dollars', 'decimal')
    """
    if unit == "count":
        return "count" if value == round(value) else "decimal"
    return "dollars" if unit == "dollars" else "decimal"


SITE = Column("site", "Site")
LINE = Column("line", "Service line")
BAND = Column("band", "Age band")
PERIOD = Column("period", "From", "date")


def value_columns(name: str) -> tuple[Column, ...]:
    """The columns of `measuring.measure` for one metric, with headings that name unit and counts."""
    metric = METRICS[name]
    units = {"percent": "%", "per 100 infusions": "per 100 infusions", "dollars": "US$", "points": "points"}
    unit = units.get(metric.unit, "")
    heading = f"{metric.title} ({unit})" if unit else metric.title
    if not metric.denominator:
        formats: dict[str, Format] = {"dollars": "dollars", "count": "count", "days": "decimal"}
        return (Column("value", heading, formats.get(metric.unit, "decimal")),)
    counted = (
        Column("numerator", metric.counted[0].capitalize(), "count"),
        Column("denominator", metric.counted[1].capitalize(), "count"),
    )
    if metric.interval is None:
        return (Column("value", heading, "decimal"), *counted)
    limits = (Column("lower", "95 % from", "decimal"), Column("upper", "95 % to", "decimal"))
    return (Column("value", heading, "decimal"), *limits, *counted)
