"""Rows as a table, facts as a list: what pages and panels show beside charts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from html import escape
from typing import Any

import pandas as pd
import streamlit as st
from pandas.api.types import is_numeric_dtype
from pandas.io.formats.style import Styler

from dashboard.panels import Column
from dashboard.panels.column import UNIT
from dashboard.wording import own_text

#: So many rows a table shows at most; the file has all.
TABLE_ROWS = 5_000
#: What makes more than text of Markdown within a line.
_MARKS = re.compile(r"[\\`*_\[\]()<>~$!|]")
#: Where addresses of the web and of mail, icons and emoji begin.
_ADDRESSES = re.compile(r":(?=[^\s\d])|www(?=\.)|(?=@)", re.IGNORECASE)
_FORMATS: dict[str, Callable[..., Any]] = {
    "date": lambda title: st.column_config.DateColumn(title, format="D MMM YYYY"),
    "datetime": lambda title: st.column_config.DatetimeColumn(title, format="D MMM YYYY, HH:mm"),
    "count": lambda title: st.column_config.NumberColumn(title, format="%,d"),
    "decimal": lambda title: st.column_config.NumberColumn(title, format="%,.2f"),
    "tenth": lambda title: st.column_config.NumberColumn(title, format="%,.1f"),
    "percent": lambda title: st.column_config.NumberColumn(title, format="%.1f"),
    "dollars": lambda title: st.column_config.NumberColumn(title, format="dollar"),
    "text": lambda title: st.column_config.TextColumn(title),
    "link": lambda title: st.column_config.LinkColumn(title, display_text="Open"),
}


def table(
    frame: pd.DataFrame,
    columns: tuple[Column, ...],
    title: str,
    rows: int | None = None,
    *,
    whole: bool = False,
    widths: Mapping[str, int] | None = None,
) -> None:
    """The rows as a table with headings, units and formats of its columns.

    Args:
        frame: the rows.
        columns: theirs, in order.
        title: what is told to who doesn't see it.
        rows: how many there are, if more.
        whole: whether it is as high as its rows.
        widths: pixels of columns whose first rows don't say how wide they should be.
    """
    rows = len(frame) if rows is None else rows
    shown = frame[[column.name for column in columns]].head(TABLE_ROWS)
    mixed = tuple(column for column in columns if column.own and UNIT in frame)
    st.dataframe(
        _worded(shown, frame[UNIT].head(TABLE_ROWS), mixed) if mixed else shown,
        hide_index=True,
        # Streamlit shows our words for a number only where its column has no format.
        column_config={
            column.name: {
                **(
                    st.column_config.NumberColumn(column.title)
                    if column in mixed
                    else _FORMATS[_format(column, shown)](column.title)
                ),
                "width": (widths or {}).get(column.name),
            }
            for column in columns
        },
        placeholder="—",
        alt=title,
        height="content" if whole else "auto",
    )
    if rows > len(shown):
        st.caption(f"The first {len(shown):,} of {rows:,} rows; the CSV has them all.")


def _worded(frame: pd.DataFrame, units: pd.Series, mixed: tuple[Column, ...]) -> Styler:
    """The rows with words for figures whose rows have units of their own: 38 bookings beside 7.0 %, not 38.00."""
    styled = frame.style.format(None, na_rep="—")
    for column in mixed:
        change = column.own == "change"
        for unit, part in units.groupby(units, sort=False):
            words = partial(own_text, unit=unit, change=change)
            styled.format(words, subset=(part.index, column.name), na_rep="—")
    return styled


def _format(column: Column, frame: pd.DataFrame) -> str:
    """The column's format; numbers have no more places than the longest needs: 30 and not 30.00."""
    values = frame[column.name].dropna()
    if column.format == "decimal" and is_numeric_dtype(values) and len(values):
        return next(
            (form for places, form in ((0, "count"), (1, "tenth")) if (values.round(places) == values).all()),
            "decimal",
        )
    return column.format


def verbatim(text: str) -> str:
    """A text from outside as Markdown that shows it as it is: a name makes no link, picture or formula."""
    # What looks like an address becomes a link even where it is escaped; a word joiner, which nobody sees, parts it.
    plain = _ADDRESSES.sub(lambda found: f"{found[0]}\u2060", " ".join(text.split()))
    return _MARKS.sub(r"\\\g<0>", plain)


def definition_list(facts: dict[str, str]) -> str:
    """Terms and their descriptions as HTML."""
    items = "".join(f"<dt>{escape(term)}</dt><dd>{escape(text)}</dd>" for term, text in facts.items())
    return f'<dl class="facts">{items}</dl>'
