"""Panels of the Data page: what the extract holds, from what, and what was left out."""

from __future__ import annotations

import pandas as pd

from dashboard.filters import Filters
from dashboard.intake.contract import TABLES
from dashboard.panels.column import SITE, Column
from dashboard.panels.folding import by_file, by_reason
from dashboard.panels.panel import Panel
from dashboard.panels.words import ALL_SITES, listed, titled
from dashboard.warehouse import Reader
from dashboard.wording import plural


def _holdings(reader: Reader, filters: Filters) -> pd.DataFrame:
    return titled(reader.query("holdings", sites=filters.sites), reader)


def _sources(reader: Reader, filters: Filters) -> pd.DataFrame:  # noqa: ARG001
    return reader.query("sources")


def _sources_answer(frame: pd.DataFrame) -> str:
    read, accepted = int(frame["rows_read"].sum()), int(frame["rows_accepted"].sum())
    rejected, left_out = int(frame["rows_rejected"].sum()), int(frame["rows_left_out"].sum())
    left = f" + {left_out:,} left out" if left_out else ""
    hidden = listed(frame.loc[frame["rows_read"].isna(), "source"].unique().tolist(), ", ")
    without = f", without those of {hidden}" if hidden else ""
    return f"{accepted:,} rows accepted + {rejected:,} rejected{left} = {read:,} rows read{without}"


def _reasons(reader: Reader, filters: Filters) -> pd.DataFrame:  # noqa: ARG001
    return _most_first(reader.query("reject_reasons"), "lines")


def _most_first(frame: pd.DataFrame, count: str) -> pd.DataFrame:
    """Sorted once it is hidden what is: a count that isn't shown tells nothing by its place either."""
    return frame.sort_values(count, ascending=False, kind="stable", na_position="last", ignore_index=True)


def _reasons_answer(frame: pd.DataFrame) -> str:
    """How many rows, each once, so that it is the number of rejected rows that the files have together."""
    if not len(frame):
        return "No row was rejected"
    told = frame[frame["lines"].notna()]
    hidden = listed(frame.loc[frame["lines"].isna(), "source"].unique().tolist(), ", ")
    if not len(told):
        return f"Rows of {hidden} were rejected"
    files = told.drop_duplicates(["source", "file"])
    rejected, several = int(files["rejected"].sum()), int(files["several"].sum())
    reasons = len(told[["source", "column_name", "reason"]].drop_duplicates())
    without = f", without those of {hidden}" if hidden else ""
    more = f"; {plural(several, 'row has', 'rows have')} more than one" if several else ""
    rows = plural(rejected, "row was", "rows were")
    return f"{rows} rejected for {plural(reasons, 'reason', 'reasons')}{more}{without}"


def _lines(reader: Reader, filters: Filters) -> pd.DataFrame:  # noqa: ARG001
    return reader.query("reject_lines")


def _sources_short(frame: pd.DataFrame) -> pd.DataFrame:
    return by_file(frame, "source", ("rows_read", "rows_accepted", "rows_rejected", "rows_left_out", "bytes"))


def _reasons_short(frame: pd.DataFrame) -> pd.DataFrame:
    return by_reason(frame, ("source", "column_name", "reason"), "lines")


def _left_out_short(frame: pd.DataFrame) -> pd.DataFrame:
    return by_reason(frame, ("source", "what", "reason"), "rows")


def _resources_short(frame: pd.DataFrame) -> pd.DataFrame:
    return by_file(frame, "resource", _RESOURCE_COUNTS)


def _resources(reader: Reader, filters: Filters) -> pd.DataFrame:  # noqa: ARG001
    return reader.query("resources")


def _resources_answer(frame: pd.DataFrame) -> str:
    read, accepted, rejected, looked_up, left_out = (int(frame[name].sum()) for name in _RESOURCE_COUNTS)
    if not len(frame):
        return "The delivery held no FHIR resources"
    return (
        f"{read:,} resources read = {accepted:,} accepted + {rejected:,} rejected "
        f"+ {looked_up:,} looked up + {left_out:,} left out"
    )


def _left_out(reader: Reader, filters: Filters) -> pd.DataFrame:  # noqa: ARG001
    frame = reader.query("left_out")
    whole = frame["what"] == frame["source"]
    return pd.concat([_most_first(frame[whole], "rows"), _most_first(frame[~whole], "rows")], ignore_index=True)


def _left_out_answer(frame: pd.DataFrame) -> str:
    if not len(frame):
        return "Everything delivered has a place here"
    whole = frame.loc[frame["what"] == frame["source"], ["source", "rows"]]
    of_tables = whole["source"].isin(_TABLES)
    rows, resources = int(whole.loc[of_tables, "rows"].sum()), int(whole.loc[~of_tables, "rows"].sum())
    if rows:
        return f"{plural(rows, 'row is', 'rows are')} left out by the mapping"
    if resources:
        return f"{plural(resources, 'resource has', 'resources have')} no place here"
    if frame["source"].isin(_TABLES).any():
        return f"{plural(frame['rows'].sum(), 'value is', 'values are')} left empty by the mapping"
    return f"{plural(frame['rows'].sum(), 'value of a resource has', 'values of resources have')} no place here"


def _changes(reader: Reader, filters: Filters) -> pd.DataFrame:
    frame = reader.query("changes", sites=filters.sites)
    return frame.assign(
        site=[ALL_SITES if pd.isna(site) else reader.catalogue.site_name(site) for site in frame["site"]]
    )


def _changes_answer(frame: pd.DataFrame) -> str:
    if not len(frame):
        return "There was no extract to compare with"
    whole = frame[frame["site"] == ALL_SITES]
    counted = (whole if len(whole) else frame)[["added", "removed", "changed"]].sum()
    return f"{counted.added:,.0f} rows added, {counted.removed:,.0f} removed, {counted.changed:,.0f} changed"


def _gaps(reader: Reader, filters: Filters) -> pd.DataFrame:
    return titled(reader.query("gaps", sites=filters.sites), reader)


def _gaps_answer(frame: pd.DataFrame) -> str:
    days = int(frame["days"].sum())
    return f"{plural(days, 'open day', 'open days')} without a booking" if days else "No open day without a booking"


def _late_forms(reader: Reader, filters: Filters) -> pd.DataFrame:
    return titled(reader.query("late_forms", sites=filters.sites), reader)


def _late_forms_answer(frame: pd.DataFrame) -> str:
    missing = int(frame["missing"].sum())
    return f"{plural(missing, 'side-effect form is', 'side-effect forms are')} late" if missing else "No form is late"


def _oddities(reader: Reader, filters: Filters) -> pd.DataFrame:
    return _most_first(titled(reader.query("oddities", sites=filters.sites), reader), "rows")


def _oddities_answer(frame: pd.DataFrame) -> str:
    rows, hidden = int(frame["rows"].sum()), frame["rows"].isna().any()
    values = plural(rows, "accepted value is", "accepted values are") if rows else "No value is"
    return f"{values} improbable{', without those of side effects' if hidden else ''}"


_RESOURCE_COUNTS = ("rows_read", "rows_accepted", "rows_rejected", "rows_looked_up", "rows_left_out")
_SOURCE = (Column("source", "Table"), Column("file", "File"))
_TABLES = [table.name for table in TABLES]

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
         Column("rows_rejected", "Rejected", "count"), Column("rows_left_out", "Left out", "count"),
         Column("bytes", "Bytes", "count"), Column("sha256", "SHA-256")),
        answer=_sources_answer, short=_sources_short,
    ),
    Panel(
        "resources", "FHIR resources read", "data", _resources,
        (Column("resource", "Resource"), Column("file", "File"), Column("rows_read", "Read", "count"),
         Column("rows_accepted", "Accepted", "count"), Column("rows_rejected", "Rejected", "count"),
         Column("rows_looked_up", "Looked up", "count"), Column("rows_left_out", "Left out", "count")),
        answer=_resources_answer, short=_resources_short,
        note="Looked up: read for what they say of others, as patients' birth dates and sites' names.",
    ),
    Panel(
        "left_out", "Left out", "data", _left_out,
        (Column("source", "Table or resource"), Column("file", "File"), Column("what", "What"),
         Column("rows", "Count", "count"), Column("reason", "Reason")),
        answer=_left_out_answer, short=_left_out_short,
        note="Rows or whole resources first, then elements of those that were read. Nothing of it is in the extract.",
    ),
    Panel(
        "reject_reasons", "Rejected rows by reason", "data", _reasons,
        (*_SOURCE, Column("column_name", "Column"), Column("reason", "Reason"), Column("lines", "Rows", "count"),
         Column("first_lines", "First lines")),
        answer=_reasons_answer, short=_reasons_short,
        note="A row with several faults counts under each of its reasons.",
    ),
    Panel(
        "reject_lines", "Rejected rows with their values", "reject_values", _lines,
        (*_SOURCE, Column("line", "Line", "count"), Column("column_name", "Column"), Column("value", "Value"),
         Column("reason", "Reason")),
        note="dashboard import DIR --rejects FOLDER writes these lines as delivered, to mend and import them again.",
    ),
    Panel(
        "changes", "Rows against the extract before", "data", _changes,
        (Column("source", "Table"), SITE, Column("rows_before", "Rows before", "count"),
         Column("rows_now", "Rows now", "count"), Column("added", "Added", "count"),
         Column("removed", "Removed", "count"), Column("changed", "Changed", "count")),
        answer=_changes_answer, note="What the last import added, changed and took away. A row is known by its id.",
    ),
    Panel(
        "gaps", "Open days without a booking", "data", _gaps,
        (SITE, Column("days", "Days", "count"), Column("first_dates", "First dates"),
         Column("last_date", "Last date", "date")),
        answer=_gaps_answer,
        note="From the site's first booking to the last full day; public holidays too, unless closures.csv has them.",
    ),
    Panel(
        "late_forms", "Side-effect forms that are late", "data", _late_forms,
        (SITE, Column("starts_on", "Visit", "date"), Column("completed", "Completed visits", "count"),
         Column("missing", "Without form", "count")),
        answer=_late_forms_answer,
        note="Completed visits of the last 28 days whose form is due and not filled in.",
    ),
    Panel(
        "oddities", "Improbable values", "data", _oddities,
        (Column("source", "Table"), Column("column_name", "Column"), Column("rule", "What is odd"), SITE,
         Column("rows", "Rows", "count"), Column("lowest", "Lowest", "decimal"),
         Column("highest", "Highest", "decimal")),
        answer=_oddities_answer, note="Such rows are kept, and count like all others.",
    ),
)  # fmt: skip
