"""Small deliveries written by hand and imported for real."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from dashboard.intake.publish import import_delivery
from dashboard.intake.report import ImportReport

BOOKINGS = "booking_id,patient_id,site,service,starts_at,status"
EVENTS = "event_id,booking_id,effect"
#: What a mapping says of another system's visits with the columns id, patient, site and start.
VISIT_COLUMNS = """
[bookings.columns]
booking_id = "id"
patient_id = "patient"
site = "site"
service = { constant = "vitamin-c" }
starts_at = "start"
status = { constant = "completed" }
"""


class Clinic:
    """A delivery folder and a data folder, with the shortest way to fill, import and ask."""

    def __init__(self, folder: Path) -> None:
        self.delivery = folder / "delivery"
        self.data = folder / "data"
        self.delivery.mkdir()
        self.write("bookings.csv", BOOKINGS, "B1,P1,chicago,ketamine-infusion,2026-01-05 09:00,completed")
        self.write("side_effects.csv", EVENTS)

    def write(self, name: str, *lines: str) -> None:
        self.write_bytes(name, ("\n".join(lines) + "\n").encode())

    def write_bytes(self, name: str, content: bytes) -> None:
        (self.delivery / name).write_bytes(content)

    def publish(self, **options: Any) -> ImportReport:
        self.report = import_delivery(self.delivery, self.data, **options)
        return self.report

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.report.path), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def one(self, sql: str) -> Any:
        [[value]] = self.ask(sql)
        return value

    def rows_by_file(self) -> dict[str, int]:
        """Distinct rejected lines by file, and by table's name the accepted rows."""
        counts = self.ask(
            "select file, count(distinct line) from rejects group by file union all "
            "select 'bookings', count(*) from bookings union all select 'side_effects', count(*) from side_effects"
        )
        return dict(counts)

    def rejects(self) -> list[tuple[Any, ...]]:
        return self.ask("select file, line, column_name, value from rejects order by all")
