"""Bookings with Superset, by its own interfaces: a database, data sets, eight charts and a dashboard with a time filter.

`python superset_page.py PORT FOLDER EXTRACT`, with the interpreter of an environment that has `apache-superset` and
`duckdb-engine`, serves it until it is stopped; the folder takes what Superset keeps. ADDRESS is what to open.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ADDRESS = "/superset/dashboard/bookings/"
NAME, PASSWORD = "bench", "bench-of-a-page"
CONFIGURATION = """
SECRET_KEY = "for a benchmark on this machine alone"
SQLALCHEMY_DATABASE_URI = "sqlite:///{folder}/superset.db"
WTF_CSRF_ENABLED = TALISMAN_ENABLED = RATELIMIT_ENABLED = False
# A DuckDB file is refused where nothing says that whoever may add one may read files.
PREVENT_UNSAFE_DB_CONNECTIONS = False
CACHE_CONFIG = {{"CACHE_TYPE": "FileSystemCache", "CACHE_DIR": "{folder}/cache", "CACHE_DEFAULT_TIMEOUT": 86400}}
DATA_CACHE_CONFIG = FILTER_STATE_CACHE_CONFIG = EXPLORE_FORM_DATA_CACHE_CONFIG = CACHE_CONFIG
"""
#: A data set each: the dashboard's own cubes, as names and days that Superset knows.
DATA = {
    "statuses": """
        select starts_on::timestamp as day, status, n from (unpivot (select * from daily)
        on booked, arrived, completed, cancelled, late_cancelled, no_show into name status value n)""",
    "days": "select * replace (starts_on::timestamp as starts_on, site::varchar as site) from daily",
    "hours": """
        select starts_on::timestamp as day, isodow(starts_on) as weekday, hour::integer as hour, bookings from hourly""",
    "leads": """
        select starts_on::timestamp as day, site::varchar as site, case when lead_days <= 0 then 0
        when lead_days <= 7 then 7 when lead_days <= 28 then 28 else 29 end as step from bookings""",
}
_OUTCOMES = "sum(completed + arrived + no_show)"
#: Title, data set, its day, kind, metrics, what they are by.
CHARTS: tuple[tuple[str, str, str, str, dict[str, str], list[str]], ...] = (
    ("Bookings by status", "statuses", "day", "echarts_timeseries_bar", {"Bookings": "sum(n)"}, ["status"]),
    ("Visits of new and returning patients", "days", "starts_on", "echarts_timeseries_bar",
     {"New": "sum(new_patients)", "Returning": "sum(completed + arrived - new_patients)"}, []),
    ("No-show rate", "days", "starts_on", "echarts_timeseries_line",
     {"No-show rate": f"sum(no_show) / nullif({_OUTCOMES}, 0)"}, ["site"]),
    ("Minutes used", "days", "starts_on", "echarts_timeseries_line", {"Minutes": "sum(used_minutes)"}, ["site"]),
    ("Cancellation rate", "days", "starts_on", "echarts_timeseries_line",
     {"Cancelled": "sum(cancelled + late_cancelled) / nullif(sum(bookings), 0)"}, ["site"]),
    ("Late cancellation rate", "days", "starts_on", "echarts_timeseries_line",
     {"Late": "sum(late_cancelled) / nullif(sum(bookings), 0)"}, ["site"]),
    ("Weekdays and hours", "hours", "day", "heatmap_v2", {"Bookings": "sum(bookings)"}, ["hour", "weekday"]),
    ("Lead time", "leads", "day", "echarts_timeseries_bar", {"Bookings": "count(*)"}, ["site"]),
)  # fmt: skip


def main(port: int, folder: Path, extract: Path) -> None:
    """Make it all, then serve it."""
    programs = Path(sys.executable).parent
    configuration = folder / "superset_config.py"
    configuration.write_text(CONFIGURATION.format(folder=folder), encoding="utf-8")
    os.environ |= {"SUPERSET_CONFIG_PATH": str(configuration), "FLASK_APP": "superset"}
    os.environ.pop("PYTHONPATH", None)
    superset = str(programs / "superset")
    subprocess.run([superset, "db", "upgrade"], check=True)
    subprocess.run([superset, "fab", "create-admin", "--username", NAME, "--firstname", "A", "--lastname", "B",
                    "--email", "bench@example.org", "--password", PASSWORD], check=True)  # fmt: skip
    subprocess.run([superset, "init"], check=True)
    # Its documentation's own way to serve it.
    server = subprocess.Popen(
        [str(programs / "gunicorn"), "-k", "gthread", "-w", "2", "--threads", "8", "--timeout", "120",
         "-b", f"127.0.0.1:{port}", "superset.app:create_app()"]
    )  # fmt: skip
    signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    try:
        _make(f"http://127.0.0.1:{port}", extract)
        print("made", flush=True)
        server.wait()
    finally:
        server.terminate()


def _make(origin: str, extract: Path) -> None:
    import requests

    session = requests.Session()
    for _ in range(120):
        try:
            session.get(f"{origin}/health", timeout=5).raise_for_status()
            break
        except requests.RequestException:
            time.sleep(1)

    def ask(path: str, method: str = "post", **body: Any) -> dict[str, Any]:
        answer = session.request(method, f"{origin}/api/v1/{path}", json=body, timeout=120)
        if not answer.ok:
            raise SystemExit(f"{path}: {answer.status_code} {answer.text[:800]}")
        found: dict[str, Any] = answer.json()
        return found

    token = ask("security/login", username=NAME, password=PASSWORD, provider="db", refresh=True)["access_token"]
    session.headers["Authorization"] = f"Bearer {token}"
    database = ask("database/", database_name="extract", sqlalchemy_uri=f"duckdb:///{extract}?access_mode=read_only")
    sets = {
        name: ask("dataset/", database=database["id"], schema="main", table_name=name, sql=sql)["id"]
        for name, sql in DATA.items()
    }
    board = ask("dashboard/", dashboard_title="Bookings", slug="bookings", published=True)["id"]
    made = {}
    for title, data, day, kind, metrics, by in CHARTS:
        made[title] = ask(
            "chart/",
            slice_name=title,
            viz_type=kind,
            datasource_id=sets[data],
            datasource_type="table",
            dashboards=[board],
            params=json.dumps(_parameters(f"{sets[data]}__table", day, kind, metrics, by)),
        )["id"]
    ask(
        f"dashboard/{board}",
        "put",
        position_json=json.dumps(_places(made)),
        json_metadata=json.dumps(_filter(next(iter(sets.values())), list(made.values()))),
    )


def _parameters(source: str, day: str, kind: str, metrics: dict[str, str], by: list[str]) -> dict[str, Any]:
    measures = [
        {"expressionType": "SQL", "sqlExpression": sql, "label": label, "hasCustomLabel": True}
        for label, sql in metrics.items()
    ]
    made: dict[str, Any] = {"datasource": source, "viz_type": kind, "granularity_sqla": day, "row_limit": 10_000,
                            "adhoc_filters": [{"clause": "WHERE", "expressionType": "SIMPLE", "subject": day,
                                               "operator": "TEMPORAL_RANGE", "comparator": "No filter"}]}  # fmt: skip
    if kind == "heatmap_v2":
        return made | {"x_axis": by[0], "groupby": by[1], "metric": measures[0]}
    x_axis = "step" if (day, by) == ("day", ["site"]) else day
    stack = "Stack" if kind.endswith("bar") and x_axis == day else None
    return made | {"x_axis": x_axis, "time_grain_sqla": "P1W", "metrics": measures, "groupby": by, "stack": stack,
                   "show_legend": True}  # fmt: skip


def _places(made: dict[str, int]) -> dict[str, Any]:
    """Two charts in each row."""
    names = list(made)
    rows = [names[start : start + 2] for start in range(0, len(names), 2)]
    found: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "GRID_ID": {"type": "GRID", "id": "GRID_ID", "parents": ["ROOT_ID"],
                    "children": [f"ROW-{number}" for number in range(len(rows))]},
    }  # fmt: skip
    for number, row in enumerate(rows):
        found[f"ROW-{number}"] = {"type": "ROW", "id": f"ROW-{number}", "parents": ["ROOT_ID", "GRID_ID"],
                                  "children": [f"CHART-{made[name]}" for name in row],
                                  "meta": {"background": "BACKGROUND_TRANSPARENT"}}  # fmt: skip
        for name in row:
            found[f"CHART-{made[name]}"] = {
                "type": "CHART", "id": f"CHART-{made[name]}", "children": [],
                "parents": ["ROOT_ID", "GRID_ID", f"ROW-{number}"],
                "meta": {"chartId": made[name], "sliceName": name, "width": 6, "height": 38},
            }  # fmt: skip
    return found


def _filter(data: int, charts: list[int]) -> dict[str, Any]:
    """One filter of the time, on every chart."""
    return {
        "native_filter_configuration": [
            {"id": "NATIVE_FILTER-period", "name": "Period", "filterType": "filter_time", "type": "NATIVE_FILTER",
             "targets": [{}], "controlValues": {}, "cascadeParentIds": [], "chartsInScope": charts,
             "scope": {"rootPath": ["ROOT_ID"], "excluded": []},
             "defaultDataMask": {"extraFormData": {"time_range": "Last month"}, "filterState": {"value": "Last month"}}}
        ],
        "cross_filters_enabled": False,
    }  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
