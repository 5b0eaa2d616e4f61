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
def reading(
    folder: Path, role: Role = Role.ADMIN, reference: Path | None = None, *, hides: bool = True, **tables: str
) -> Iterator[Reader]:
    """A reader of every site of an extract that is made in a folder of these tables, each as CSV.

    `hides` says whether small counts are hidden from the usual roles, or from nobody.

    Raises:
        AssertionError: a row is rejected.
    """
    delivery = folder / "delivery"
    delivery.mkdir()
    for name, text in ({"side_effects": "event_id,booking_id,effect\n"} | tables).items():
        (delivery / f"{name}.csv").write_text(text, encoding="utf-8")
    report = import_delivery(delivery, folder, reference=reference)
    assert report.rows_rejected == 0
    settings = Settings(data=folder) if hides else Settings(data=folder, small_cells=frozenset())
    house = Shelf(settings).current()
    try:
        yield Reader(house, Viewer("dan", "Dan Ho", role))
    finally:
        house.close()
