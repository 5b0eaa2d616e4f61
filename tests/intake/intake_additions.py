"""Deliveries that are added one by one, and the import of all of them at once."""

from __future__ import annotations

import csv
import random
import shutil
from collections.abc import Iterable
from pathlib import Path

import duckdb

from dashboard.intake import pointer
from dashboard.intake.compare import differing
from dashboard.intake.contract import TABLES
from dashboard.intake.demo import write_delivery
from dashboard.intake.publish import Rules, import_delivery

NAMES = [table.name for table in TABLES]
Row = dict[str, str]


def in_use(data: Path) -> Path:
    named = pointer.current(data / "extracts")
    assert named is not None
    return named.path


def unknown_names(extract: Path) -> list[tuple[str, str, str | None, int]]:
    with duckdb.connect(str(extract), read_only=True) as connection:
        return connection.execute("from unknown_names order by all").fetchall()


class Steps:
    """Deliveries one after the other, and what all of them are together."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.deliveries: list[Path] = []
        self.reference: Path | None = None

    def add(self, **tables: Iterable[Row]) -> None:
        """Deliver the rows: at first a whole delivery, then what is added."""
        step = self.folder / f"step-{len(self.deliveries)}"
        step.mkdir()
        for table in TABLES:
            with (step / f"{table.name}.csv").open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, [column.name for column in table.columns], lineterminator="\n")
                writer.writeheader()
                writer.writerows(tables.get(table.name, ()))
        import_delivery(
            step,
            self.data,
            add=bool(self.deliveries),
            rules=Rules(accept_drop=True),
            reference=self.reference,
        )
        self.deliveries.append(step)

    def check(self) -> None:
        """All at once gives the same; of several rows with one id the newest counts, so the newest file is the first."""
        union, data = self.folder / "union", self.folder / "at-once"
        for folder in (union, data):
            shutil.rmtree(folder, ignore_errors=True)
        union.mkdir()
        for age, step in enumerate(reversed(self.deliveries)):
            for name in NAMES:
                shutil.copyfile(step / f"{name}.csv", union / f"{name}-{age:02}.csv")
        # The same key gives patients the same numbers.
        (data / "state").mkdir(parents=True)
        shutil.copy(self.data / "state" / "patient.key", data / "state")
        import_delivery(union, data, reference=self.reference)
        assert differing(in_use(self.data), in_use(data)) == []
        assert unknown_names(in_use(self.data)) == unknown_names(in_use(data))


def demo_rows(folder: Path, seed: int, bookings: int) -> dict[str, list[Row]]:
    """The rows of a demo delivery, faulty ones left as they are where they are whole records."""
    write_delivery(folder, years=2, bookings=bookings, seed=seed)
    rows = {}
    for table in TABLES:
        with (folder / f"{table.name}.csv").open(newline="", encoding="utf-8", errors="replace") as file:
            found = csv.DictReader(file)
            columns = {column.name for column in table.columns}
            rows[table.name] = [
                {name: value or "" for name, value in row.items() if name in columns} for row in found
            ]
    return rows


class Splitter:
    """Deals the rows of a delivery out to steps, some of them first in an earlier state."""

    def __init__(self, rows: dict[str, list[Row]], seed: int, steps: int) -> None:
        self.random = random.Random(seed)
        self.rows = rows
        self.steps: list[dict[str, list[Row]]] = [{name: [] for name in NAMES} for _ in range(steps)]
        self.patients = [row["patient_id"] for row in rows["bookings"]]

    def deal(self) -> list[dict[str, list[Row]]]:
        moved = self._deal_bookings()
        for row in self.rows["side_effects"]:
            early = {"effect": self.random.choice(["rash", "nausea", "Foggy Head"]), "severity": "severe"}
            self._place(
                "side_effects",
                self._timed(row, "onset_at", "resolved_at"),
                early if row["booking_id"] not in moved else {},
            )
        for row in self.rows["payments"]:
            site = self.random.choice(["", "", "", "dallas", "miami_beach"])
            early = self.random.choice([{"amount": "1.00"}, {"patient_id": self.random.choice(self.patients)}])
            self._place("payments", self._timed({**row, "site": site}, "paid_at"), early)
        for row in self.rows["scores"]:
            self._place("scores", self._timed(row, "taken_at"), {"score": "3"})
        return self.steps

    def _deal_bookings(self) -> set[str]:
        moved = set()
        for row in self.rows["bookings"]:
            early = self.random.choice(
                [
                    {"status": "booked"},
                    {"starts_at": f"2025-{self.random.randint(1, 12):02}-10 10:00"},
                    {"site": "miami_beach"},
                    {"patient_id": self.random.choice(self.patients)},
                    {"service": "vitamin-c", "chair_minutes": "", "price": ""},
                ]
            )
            if "starts_at" in early:
                moved.add(row["booking_id"])
            self._place("bookings", self._timed(row, "starts_at"), early)
        return moved

    def _timed(self, row: Row, *columns: str) -> Row:
        """Some times with an offset, so that they move with the time zone of their site."""
        offset = self.random.choice(["", "", "-05:00", "Z"])
        return {**row, **{name: row[name] + offset for name in columns if row[name]}}

    def _place(self, table: str, row: Row, early: Row) -> None:
        last = len(self.steps) - 1
        step = 0 if self.random.random() < 0.7 else self.random.randint(0, last)
        if early and step < last and self.random.random() < 0.15:
            self.steps[step][table].append({**row, **early})
            step = self.random.randint(step + 1, last)
        self.steps[step][table].append(row)


def booking(
    number: int, patient: str = "P1", site: str = "chicago", at: str = "2026-01-05 09:00", **more: str
) -> Row:
    defaults = {"service": "ketamine-infusion", "status": "completed", "side_effects_assessed": "yes"}
    return {"booking_id": f"B{number}", "patient_id": patient, "site": site, "starts_at": at, **defaults, **more}


def event(number: int, of: int, effect: str = "nausea", **more: str) -> Row:
    return {"event_id": f"E{number}", "booking_id": f"B{of}", "effect": effect, **more}


def payment(number: int, patient: str, at: str = "2026-01-05 10:00", **more: str) -> Row:
    return {
        "payment_id": f"M{number}",
        "patient_id": patient,
        "paid_at": at,
        "kind": "payment",
        "amount": "9",
        **more,
    }


def score(number: int, patient: str, at: str = "2026-01-06 10:00", points: int = 12) -> Row:
    fields = {"instrument": "PHQ-9", "taken_at": at, "score": str(points)}
    return {"score_id": f"S{number}", "patient_id": patient, **fields}
