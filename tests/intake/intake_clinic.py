"""Small deliveries written by hand and imported for real."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path
from typing import Any

import duckdb

from dashboard.intake import pointer
from dashboard.intake.mapping.file import load_mapping
from dashboard.intake.publish import import_delivery
from dashboard.intake.reading.finding import find_sources
from dashboard.intake.reading.reader import expressions, survey, view_of
from dashboard.intake.reference import load_reference
from dashboard.intake.report import ImportReport
from dashboard.intake.sql import statements

BOOKINGS = "booking_id,patient_id,site,service,starts_at,status"
B1 = "B1,P1,chicago,ketamine-infusion,2026-01-05 09:00,completed"
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


class Delivered:
    """A delivery folder and a data folder, with the shortest way to import and ask."""

    def __init__(self, folder: Path) -> None:
        self.delivery = folder / "delivery"
        self.data = folder / "data"
        self.delivery.mkdir()

    def publish(self, **options: Any) -> ImportReport:
        self.report = import_delivery(self.delivery, self.data, **options)
        return self.report

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.report.path), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def one(self, sql: str) -> Any:
        [[value]] = self.ask(sql)
        return value

    def rejects(self) -> list[tuple[Any, ...]]:
        return self.ask("select file, line, column_name, value from rejects order by all")


class Clinic(Delivered):
    """A delivery of CSV files, a booking in it, with the shortest way to write others."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.write("bookings.csv", BOOKINGS, "B1,P1,chicago,ketamine-infusion,2026-01-05 09:00,completed")
        self.write("side_effects.csv", EVENTS)

    def write(self, name: str, *lines: str) -> None:
        self.write_bytes(name, ("\n".join(lines) + "\n").encode())

    def write_bytes(self, name: str, content: bytes) -> None:
        (self.delivery / name).write_bytes(content)

    def rows_by_file(self) -> dict[str, int]:
        """Distinct rejected lines by file, and by table's name the accepted rows."""
        counts = self.ask(
            "select file, count(distinct line) from rejects group by file union all "
            "select 'bookings', count(*) from bookings union all select 'side_effects', count(*) from side_effects"
        )
        return dict(counts)


def in_use(clinic: Delivered) -> pointer.Pointer:
    named = pointer.current(clinic.data / "extracts")
    assert named is not None
    return named


def change(clinic: Delivered, sql: str) -> None:
    """Make the extract in use another one, published as such."""
    named = in_use(clinic)
    with duckdb.connect(str(named.path)) as connection:
        connection.execute(sql)
    found = named.path.stat()
    changed = dataclasses.replace(named, sha256=named.digest(), bytes=found.st_size, mtime_ns=found.st_mtime_ns)
    pointer.write(pointer.card_of(named.path), changed)
    pointer.turn(clinic.data / "extracts", changed)


class Export:
    """Files of another system, a mapping, and what became of them."""

    def __init__(self, folder: Path) -> None:
        self.clinic = Clinic(folder)
        for path in self.clinic.delivery.iterdir():
            path.unlink()
        self.mapping = folder / "mapping.toml"

    def write(self, name: str, *lines: str, encoding: str = "utf-8", ending: str = "\n") -> None:
        path = self.clinic.delivery / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes((ending.join(lines) + ending).encode(encoding))

    def publish(self, mapping: str, **options: Any) -> Any:
        self.mapping.write_text(mapping, encoding="utf-8")
        return self.clinic.publish(mapping=self.mapping, **options)

    def delivered(self, mapping: str, column: str) -> object:
        """What the first row of the first file hands to the build, and that it isn't a misfit."""
        self.mapping.write_text(mapping, encoding="utf-8")
        loaded = load_mapping(self.mapping, load_reference())
        surveyed = survey(find_sources(self.clinic.delivery, loaded)[0], lambda _: None)
        with duckdb.connect() as connection:
            for statement in statements("macros"):
                connection.execute(statement)
            connection.execute(view_of(surveyed, surveyed.source.path, expressions(surveyed, {})))
            row = connection.execute(f"select {column}, misfits from delivered").fetchone()
        assert row is not None
        assert row[1] == 0
        return row[0]

    def bookings(self, columns: str) -> list[tuple[Any, ...]]:
        return self.clinic.ask(f"select {columns} from bookings order by booking_id")

    def rejects(self) -> list[tuple[Any, ...]]:
        return self.clinic.ask("select file, line, column_name, value, reason from rejects order by all")


def bookings(columns: str = "", options: str = "", **given: str) -> str:
    """A mapping of visits.csv (id, patient, start, and more), with other columns or options."""
    base = {
        "booking_id": '"id"',
        "patient_id": '"patient"',
        "site": '{ constant = "chicago" }',
        "service": '{ constant = "vitamin-c" }',
        "starts_at": '"start"',
        "status": '{ constant = "completed" }',
    } | given
    lines = "\n".join(f"{name} = {value}" for name, value in base.items() if value)
    head = "" if "file" in options else 'file = "visits.csv"\n'
    return f"[bookings]\n{head}{options}\n[bookings.columns]\n{lines}\n{columns}\n"


def at(*values: int) -> dt.datetime:
    return dt.datetime(*values)  # type: ignore[arg-type]
