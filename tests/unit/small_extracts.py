"""Extracts of a few rows that a test writes down."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dashboard.access import Role, Viewer
from dashboard.intake.publish import import_delivery
from dashboard.settings import Settings
from dashboard.shelf import Shelf
from dashboard.warehouse import Reader


@contextmanager
def reading(folder: Path, role: Role = Role.ADMIN, reference: Path | None = None, **tables: str) -> Iterator[Reader]:
    """A reader of every site of an extract that is made in a folder of these tables, each as CSV.

    Raises:
        AssertionError: a row is rejected.
    """
    delivery = folder / "delivery"
    delivery.mkdir()
    for name, text in ({"side_effects": "event_id,booking_id,effect\n"} | tables).items():
        (delivery / f"{name}.csv").write_text(text, encoding="utf-8")
    report = import_delivery(delivery, folder, reference=reference)
    assert report.rows_rejected == 0
    house = Shelf(Settings(data=folder)).current()
    try:
        yield Reader(house, Viewer("dan", "Dan Ho", role))
    finally:
        house.close()
