"""A small demo extract: one year of the three clinics, where how much there is isn't the point."""

from __future__ import annotations

from pathlib import Path

from dashboard.intake import demo, publish

#: On an extract that is open for writing: what first pages and panels of bookings ask for never comes.
ENDLESS = (
    "alter table daily rename to daily_before",
    "create view daily as select d.* from daily_before as d, range(1000000000000) as r where hash(r.range) = 1",
)


def add_extract(data: Path, bookings: int = 8_000) -> None:
    """Put an extract of so many demo bookings to use in a data folder."""
    demo.write_delivery(data / "delivery", years=1, bookings=bookings)
    publish.import_delivery(data / "delivery", data)
