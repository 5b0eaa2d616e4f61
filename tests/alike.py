"""Two extracts that differ only in what is hidden from managers and finance."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

from dashboard.intake import demo, publish
from dashboard.settings import Settings
from dashboard.shelf import Shelf
from tests.facts import facts_of

#: Where visits are alike in all that shown counts are by.
_ALIKE = "patient, site, line, band, status, assessed, date_trunc('month', starts_on)"


def write_alike(one: Path, other: Path) -> None:
    """Import into `one` a made-up delivery, into `other` the same with side effects on other days of their month, and
    without times, action and relation.
    """
    demo.write_delivery(one / "delivery", years=1, bookings=4_000)
    publish.import_delivery(one / "delivery", one)
    moved: dict[str, str] = {}
    house = Shelf(Settings(data=one)).current()
    facts = other / "facts"
    facts.mkdir()
    with facts_of(house.path, facts) as ask:
        # Ids that were rejected with their row stay where they are.
        kept = {event for (event,) in ask("select event_id from side_effects").fetchall()}
        alike = f"select list(booking_id order by booking_id) from bookings group by {_ALIKE} having count(*) > 1"
        for (group,) in ask(alike).fetchall():
            moved |= zip(group, [*group[1:], group[0]], strict=True)
    house.close()
    shutil.copytree(one / "delivery", other / "delivery")
    with (one / "delivery" / "side_effects.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    told = [row for row in rows if row["event_id"] in kept and row["booking_id"] in moved]
    for row in told:
        row |= {
            "booking_id": moved[row["booking_id"]],
            "action": "",
            "related": "",
            "onset_at": "",
            "resolved_at": "",
        }
    with (other / "delivery" / "side_effects.csv").open("w", newline="") as stream:
        table = csv.DictWriter(stream, rows[0])
        table.writeheader()
        table.writerows(rows)
    assert len(told) > 500
    publish.import_delivery(other / "delivery", other)
