"""Every question about facts with values that find something."""

from __future__ import annotations

import datetime as dt

import duckdb

from dashboard.intake.fact_tables import FACTS
from dashboard.queries import Query, queries
from dashboard.settings import QUERIES
from dashboard.spark import dialect

ABOUT_FACTS: dict[str, Query] = {
    name: query for name, query in queries().items() if dialect.tables(query.sql) & set(FACTS)
}
SMALL_COUNTS = {path.stem: path.read_text(encoding="utf-8") for path in (QUERIES / "small_counts").glob("*.sql")}


def values_for(connection: duckdb.DuckDBPyConnection) -> dict[str, object]:
    """All that any question binds; the patient is one with a side effect."""
    first, last, until = connection.execute("select first_day, last_day, last_full_day from extract_info").fetchone()
    [patient] = connection.execute("select patient from side_effects order by event_id limit 1").fetchone()
    kinds = connection.execute("select type_name, labels from duckdb_types() where logical_type = 'ENUM'").fetchall()
    words = dict(kinds)
    middle = first + (until - first) // 2
    return {
        "start": middle,
        "end": last,
        "until": until,
        "day": until,
        "before_start": first,
        "before_end": middle - dt.timedelta(days=1),
        "sites": list(words["site"]),
        "lines": list(words["line"]),
        "bands": list(words["band"]),
        "by": ["period", "site", "line", "band", "effect"],
        "grain": "month",
        "effect": "nausea",
        "patient": str(patient),
        "near": 14,
        "days": 90,
        "one_in": 1,
        "dated": "payment",
        "every_line": True,
        "methods": [],
        "settled_by": last,
    }
