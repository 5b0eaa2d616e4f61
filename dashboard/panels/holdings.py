"""Panels of the Data page: what the extract holds, from what, and what was left out."""

from __future__ import annotations

import pandas as pd

from dashboard.filters import Filters
from dashboard.metrics import plural
from dashboard.panels.base import SITE, Column, Panel, titled
from dashboard.warehouse import Reader


def _holdings(reader: Reader, filters: Filters) -> pd.DataFrame:
    return titled(reader.query("holdings", sites=filters.sites), reader)


def _sources(reader: Reader, filters: Filters) -> pd.DataFrame:  # noqa: ARG001
    return reader.query("sources")


def _sources_answer(frame: pd.DataFrame) -> str:
    read, accepted = int(frame["rows_read"].sum()), int(frame["rows_accepted"].sum())
    rejected = int(frame["rows_rejected"].sum())
    return f"{accepted:,} rows accepted + {rejected:,} rejected = {read:,} rows read"


def _reasons(reader: Reader, filters: Filters) -> pd.DataFrame:  # noqa: ARG001
    return reader.query("reject_reasons")


def _reasons_answer(frame: pd.DataFrame) -> str:
    if not len(frame):
        return "No row was rejected"
    return f"Rows were left out for {plural(len(frame), 'reason', 'reasons')}"


def _lines(reader: Reader, filters: Filters) -> pd.DataFrame:  # noqa: ARG001
    return reader.query("reject_lines")


def _resources(reader: Reader, filters: Filters) -> pd.DataFrame:  # noqa: ARG001
    return reader.query("resources")


def _resources_answer(frame: pd.DataFrame) -> str:
    names = ("rows_read", "rows_accepted", "rows_rejected", "rows_looked_up", "rows_left_out")
    read, accepted, rejected, looked_up, left_out = (int(frame[name].sum()) for name in names)
    if not len(frame):
        return "The delivery held no FHIR resources"
    return (
        f"{read:,} resources read = {accepted:,} accepted + {rejected:,} rejected "
        f"+ {looked_up:,} looked up + {left_out:,} left out"
    )


def _left_out(reader: Reader, filters: Filters) -> pd.DataFrame:  # noqa: ARG001
    return reader.query("left_out")


def _left_out_answer(frame: pd.DataFrame) -> str:
    if not len(frame):
        return "Everything delivered has a place here"
    whole = int(frame.loc[frame["what"] == frame["source"], "rows"].sum())
    return f"{plural(whole, 'resource has', 'resources have')} no place here"


_SOURCE = (Column("source", "Table"), Column("file", "File"))

PANELS = (
    Panel(
        "holdings", "Bookings by site", "data", _holdings,
        (SITE, Column("first_day", "First day", "date"), Column("last_day", "Last day", "date"),
         Column("bookings", "Bookings", "count"), Column("completed", "Completed visits", "count"),
         Column("assessed", "Side-effect forms filled in", "count")),
    ),
    Panel(
        "sources", "Files read", "data", _sources,
        (*_SOURCE, Column("rows_read", "Rows read", "count"), Column("rows_accepted", "Accepted", "count"),
         Column("rows_rejected", "Rejected", "count"),
         Column("bytes", "Bytes", "count"), Column("sha256", "SHA-256")),
        answer=_sources_answer,
    ),
    Panel(
        "resources", "FHIR resources read", "data", _resources,
        (Column("resource", "Resource"), Column("file", "File"), Column("rows_read", "Read", "count"),
         Column("rows_accepted", "Accepted", "count"), Column("rows_rejected", "Rejected", "count"),
         Column("rows_looked_up", "Looked up", "count"), Column("rows_left_out", "Left out", "count")),
        answer=_resources_answer,
        note="Looked up: read for what they say of others, as patients' birth dates and sites' names.",
    ),
    Panel(
        "left_out", "Left out", "data", _left_out,
        (Column("source", "Resource"), Column("file", "File"), Column("what", "What"),
         Column("rows", "Count", "count"), Column("reason", "Reason")),
        answer=_left_out_answer,
        note="Whole resources first, then elements of resources that were read. Nothing of it is in the extract.",
    ),
    Panel(
        "reject_reasons", "Rejected rows by reason", "data", _reasons,
        (*_SOURCE, Column("column_name", "Column"), Column("reason", "Reason"), Column("lines", "Rows", "count")),
        answer=_reasons_answer, note="A row with two faults counts under both reasons.",
    ),
    Panel(
        "reject_lines", "Rejected rows with their values", "reject_values", _lines,
        (*_SOURCE, Column("line", "Line", "count"), Column("column_name", "Column"), Column("value", "Value"),
         Column("reason", "Reason")),
        note="Mend these lines in the delivery and import it again.",
    ),
)  # fmt: skip
