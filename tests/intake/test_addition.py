"""What is added gives the extract that all of it at once gives."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from intake_additions import Splitter, Steps, booking, demo_rows, event, in_use, payment, score

from dashboard.settings import REFERENCE


@pytest.mark.parametrize("seed", range(4))
def test_random_parts_of_a_delivery_added_one_by_one(steps: Steps, seed: int) -> None:
    rows = demo_rows(steps.folder / "demo", seed, 1_500)
    for part in Splitter(rows, seed, 3).deal():
        steps.add(**part)
        steps.check()


def write_days(folder: Path) -> Path:
    """The reference tables with prices, minutes, chairs and hours that change within the demo's days, and closures."""
    folder.mkdir()
    services = (REFERENCE / "services.csv").read_text(encoding="utf-8").splitlines()
    sites = (REFERENCE / "sites.csv").read_text(encoding="utf-8").splitlines()
    dearer = [line.replace(",90,4", ",75,5").replace(",60,1", ",100,2") + ",2026-02-15" for line in services[1:]]
    fewer = [line.replace("Chicago,6,08", "Chicago,0,08").replace("York,7,", "York,9,") for line in sites[1:]]
    for name, lines, later in (
        ("services", services, dearer),
        ("sites", sites, [f"{line},2026-01-10" for line in fewer]),
    ):
        rows = [f"{lines[0]},from", *(f"{line}," for line in lines[1:]), *later]
        (folder / f"{name}.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "closures.csv").write_text("site,date\n,2025-12-25\ndallas,2025-11-28\n", encoding="utf-8")
    return folder


def test_what_is_added_has_the_prices_and_chairs_of_its_day(steps: Steps) -> None:
    steps.reference = write_days(steps.folder / "reference")
    for part in Splitter(demo_rows(steps.folder / "demo", 7, 1_500), 7, 3).deal():
        steps.add(**part)
        steps.check()
    with duckdb.connect(str(in_use(steps.data)), read_only=True) as connection:
        chairs = "select chairs from site_hours where site = 'dallas' order by from_on"
        assert connection.execute(chairs).fetchall() == [(6,), (0,)]


def test_a_history_that_changes(steps: Steps) -> None:
    """A visit before all others: new no more, of another site, with all that follows from it."""
    steps.add(
        bookings=[booking(2), booking(3, at="2026-01-09 09:00"), booking(4, "P2", "dallas")],
        payments=[payment(1, "P1"), payment(2, "P1", site="dallas"), payment(3, "P1", booking_id="B3")],
        scores=[score(1, "P1", "2026-01-02 10:00Z"), score(2, "P1", "2026-01-02 10:00"), score(3, "P1")],
        side_effects=[event(1, 2, onset_at="2026-01-05 09:30"), event(2, 2, severity="severe")],
    )
    steps.add(bookings=[booking(1, site="miami_beach", at="2026-01-01 09:00")])
    steps.check()
    # And back: it never took place.
    steps.add(bookings=[booking(1, site="miami_beach", at="2026-01-01 09:00", status="no_show")])
    steps.check()
    # And another patient's, after all.
    steps.add(bookings=[booking(1, "P2", "miami_beach", at="2026-01-01 09:00")], payments=[payment(4, "P2")])
    steps.check()


def test_what_waits_for_its_booking(steps: Steps) -> None:
    """Rows that nothing fits are rejected at first, and accepted when what they speak of arrives."""
    steps.add(
        bookings=[booking(1)],
        side_effects=[event(1, 2, "Odd Taste"), event(2, 1, onset_at="2026-01-03 08:00")],
        payments=[payment(1, "P2", booking_id="B2"), payment(2, "P2")],
        scores=[score(1, "P2"), score(1, "P2", points=3)],
    )
    steps.check()
    steps.add(payments=[payment(9, "P1")])
    steps.check()
    steps.add(bookings=[booking(2, "P2", "dallas"), booking(1, at="2026-01-03 07:00")])
    steps.check()


@pytest.mark.parametrize("table", ["side_effects", "payments", "scores"])
def test_what_waits_takes_the_place_of_what_has_its_id(steps: Steps, table: str) -> None:
    """Corrections whose booking or patient is not known yet: what they correct stays until they fit."""

    def corrected(of: int, points: int, new: int) -> None:
        rows = {
            "side_effects": event(1, of, "headache"),
            "payments": payment(1, f"P{of}"),
            "scores": score(1, f"P{of}", points=points),
        }
        steps.add(bookings=[booking(new, f"P{new}")], **{table: [rows[table]]})
        steps.check()

    corrected(of=1, points=12, new=1)
    corrected(of=2, points=3, new=4)
    steps.add(bookings=[booking(3, "P3")])
    steps.check()
    steps.add(bookings=[booking(2, "P2", "dallas")])
    steps.check()
    # Once more, and then by what fits before the other does.
    corrected(of=9, points=5, new=5)
    corrected(of=3, points=7, new=6)


def test_what_no_longer_fits_waits_as_if_it_never_had(steps: Steps) -> None:
    day = {"onset_at": "2026-01-05 09:30"}
    steps.add(
        bookings=[booking(1), booking(2)],
        side_effects=[
            event(1, 1, "cardiac arrest", **day),
            event(2, 1, "odd taste", **day),
            event(3, 2, "odd taste"),
        ],
    )
    steps.add(bookings=[booking(1, at="2026-02-05 09:00")])
    steps.check()
    steps.add(bookings=[booking(1)])
    steps.check()


def test_a_row_of_the_extract_that_is_rejected_has_its_own_line(steps: Steps) -> None:
    """Its place in the table; those of rows that wait follow, though they are read first."""
    day = {"onset_at": "2026-01-05 09:30"}
    steps.add(bookings=[booking(1)], side_effects=[event(1, 1, **day), event(2, 9), event(3, 1, "rash", **day)])
    steps.add(bookings=[booking(1, at="2026-02-05 09:00")])
    with duckdb.connect(str(in_use(steps.data)), read_only=True) as connection:
        found = connection.execute(
            "select line, column_name from rejects where source = 'side_effects' order by line"
        )
        assert found.fetchall() == [(1, "onset_at"), (2, "onset_at"), (3, "booking_id")]


def test_terms_come_and_go(steps: Steps) -> None:
    steps.add(
        bookings=[booking(1), booking(2, "P2")],
        side_effects=[event(1, 1, "Zebra Vision"), event(2, 2, "foggy head"), event(3, 2, "nausea")],
    )
    steps.add(side_effects=[event(4, 1, "Foggy-Head", severity="mild")])
    steps.check()
    steps.add(side_effects=[event(5, 2, "Metallic Taste")])
    steps.check()
    steps.add(side_effects=[event(1, 1, "headache"), event(5, 2, "another taste")])
    steps.check()


def test_visits_at_one_time_and_of_the_hour_that_comes_twice(steps: Steps) -> None:
    """Which of several at one time is the first doesn't depend on when they were delivered."""
    steps.add(
        bookings=[
            booking(5, site="dallas"), booking(3), booking(6, "P2", at="2026-11-01T06:30:00Z"),
            booking(7, "P3", at="2026-11-01T07:30:00Z"),
        ],
        payments=[payment(1, "P1")],
    )  # fmt: skip
    steps.add(
        bookings=[booking(4, site="miami_beach"), booking(1, site="dallas")],
        side_effects=[
            event(1, 6, onset_at="2026-11-01T07:00:00Z"), event(2, 7, onset_at="2026-11-01T07:45:00Z"),
            event(3, 7, severity="mild"), event(0, 7, severity="mild"),
        ],
    )  # fmt: skip
    steps.check()
    steps.add(side_effects=[event(3, 7, severity="severe")], bookings=[booking(1, "P9", "dallas")])
    steps.check()


def test_a_payment_for_the_visit_of_another(steps: Steps) -> None:
    steps.add(
        bookings=[booking(1, price="100"), booking(2, "P2", "dallas", price="50"), booking(3, "P3")],
        payments=[
            payment(1, "P1", booking_id="B2"),
            payment(2, "P2", booking_id="B3"),
            payment(3, "P4", booking_id="B3"),
        ],
    )
    steps.add(bookings=[booking(4, "P1", at="2025-12-01 09:00")])
    steps.check()
    steps.add(bookings=[booking(3, "P3", "miami_beach", status="cancelled")])
    steps.check()


def test_nothing_new(steps: Steps) -> None:
    steps.add(bookings=[booking(1), booking(2)], scores=[score(1, "P1")])
    steps.add()
    steps.check()
    steps.add(bookings=[booking(2), booking(1)], scores=[score(1, "P1")])
    steps.check()


def test_what_is_delivered_again_as_it_was_waits_once(steps: Steps) -> None:
    """As with a delivery of the last thirty days each day: its orphans are not as many rows more each time."""
    again = {
        "side_effects": [event(1, 9, "Odd Taste", onset_at="2026-01-05 09:30Z"), event(2, 9)],
        "payments": [payment(1, "P9", booking_id="B9"), payment(2, "P9")],
        "scores": [score(1, "P9"), score(1, "P9", points=3)],
    }
    steps.add(bookings=[booking(1)], **again)
    for _ in range(3):
        steps.add(bookings=[booking(1)], **again)
        steps.check()
    with duckdb.connect(str(in_use(steps.data)), read_only=True) as connection:
        for table in again:
            assert connection.execute(f"select count(*) from waiting_{table}").fetchall() == [(2,)]
    steps.add(bookings=[booking(9, "P9")])
    steps.check()
