"""A site or service that is new goes on being added to, where no row named it while it was unknown."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from intake_additions import Row, Splitter, Steps, booking, demo_rows, event, in_use, payment, score, unknown_names
from intake_clinic import BOOKINGS, Clinic, change
from intake_reference import Tables

from dashboard.intake.contract import DeliveryError

AUSTIN = {"site": "austin", "name": "Austin", "city": "Austin", "timezone": "America/New_York"}
ZINC = {"service": "zinc", "name": "Zinc drip", "line": "vitamin", "minutes": "41", "list_price": "77.00"}


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    return Tables(tmp_path / "reference")


def insert(tables: Tables, table: str, place: int, /, **row: str) -> None:
    tables.rows[table].insert(place, {**tables.rows[table][0], **row})
    tables.write()


@pytest.mark.parametrize("seed", range(4))
def test_openings_at_random(steps: Steps, tables: Tables, seed: int) -> None:
    """Sites and services open from delivery to delivery, anywhere in their tables; others are named and never open."""
    chance = random.Random(seed)
    steps.reference = tables.folder
    parts = Splitter(demo_rows(steps.folder / "demo", seed + 40, 1_000), seed, 4).deal()
    steps.add(**parts[0])
    opened: list[Row] = []
    for number, part in enumerate(parts[1:]):
        site, service, line = f"austin{number}", f"drip-{number}", chance.choice(["ketamine", "vitamin", "hydration"])
        site_place = chance.randint(0, len(tables.rows["sites"]))
        insert(tables, "sites", site_place, **{**AUSTIN, "site": site, "name": f"Austin {number}"})
        if chance.random() < 0.7:
            place = chance.randint(0, len(tables.rows["services"]))
            insert(tables, "services", place, **{**ZINC, "service": service, "name": service, "line": line})
            opened.append({"service": service, "chair_minutes": "", "price": ""})
        opened.append({"site": site})
        for row in part["bookings"]:
            if chance.random() < 0.2:
                row.update(chance.choice([*opened, {"site": "Nowhere"}, {"service": "Nothing", "status": "odd"}]))
        for row in part["payments"]:
            row["site"] = chance.choice(["", "", site, "elsewhere"])
        steps.add(**part)
        steps.check()
    assert unknown_names(in_use(steps.data))


def test_a_first_service_of_a_line(steps: Steps, tables: Tables) -> None:
    """The line is new as well; and one that stands above all puts its line above the others."""
    tables.rows["services"] = [row for row in tables.rows["services"] if row["line"] == "ketamine"]
    tables.write()
    steps.reference = tables.folder
    steps.add(bookings=[booking(1), booking(2, "P2", "dallas")], payments=[payment(1, "P1", booking_id="B1")])
    insert(tables, "services", 0, **ZINC)
    steps.add(bookings=[booking(3, "P1", service="zinc", at="2026-01-07 09:00"), booking(1, status="no_show")])
    steps.check()
    insert(tables, "services", 1, **{**ZINC, "service": "salt", "name": "Salt", "line": "hydration"})
    steps.add(bookings=[booking(4, "P2", service="salt", at="2026-01-08 09:00")])
    steps.check()


def test_a_history_that_moves_to_the_new_site(steps: Steps, tables: Tables) -> None:
    """With its own time zone, hours and closures; rows that waited; and a patient who was at another site."""
    steps.reference = tables.folder
    steps.add(
        bookings=[booking(1), booking(2, "P2", "dallas", at="2026-01-05T15:00:00Z")],
        side_effects=[event(1, 3), event(2, 1)],
        payments=[payment(1, "P3", "2026-01-06 03:00Z"), payment(2, "P1", booking_id="B1")],
        scores=[score(1, "P3")],
    )
    insert(tables, "sites", 1, **AUSTIN, chairs="2", opens="10:00", closes="12:00", open_days="Tue")
    tables.rows["closures"] = [{"site": "austin", "date": "2026-01-20"}]
    tables.write()
    steps.add(
        bookings=[
            booking(3, "P3", "austin", at="2026-01-06T15:00:00Z"), booking(1, site="austin", at="2026-01-20T15:00:00Z"),
        ],
        payments=[payment(3, "P2", site="austin")],
    )  # fmt: skip
    steps.check()
    with duckdb.connect(str(in_use(steps.data)), read_only=True) as connection:
        calendar = "select date::varchar, open, slots > 0 from calendar where site = 'austin' and weekday = 2"
        assert ("2026-01-13", True, True) in connection.execute(calendar).fetchall()
        assert ("2026-01-20", False, False) in connection.execute(calendar).fetchall()
        starts = "select starts_at::varchar from bookings where site = 'austin' order by all"
        assert connection.execute(starts).fetchall() == [("2026-01-06 10:00:00",), ("2026-01-20 10:00:00",)]


def refused(steps: Steps, words: str, **tables: list[Row]) -> None:
    before = in_use(steps.data)
    with pytest.raises(DeliveryError, match=words):
        steps.add(**tables)
    assert in_use(steps.data) == before
    shutil.rmtree(steps.folder / f"step-{len(steps.deliveries)}")


def test_one_that_was_named_before_is_refused_with_its_rows(steps: Steps, tables: Tables) -> None:
    """However the word was written, whichever delivery named it, whatever else was wrong with its row."""
    steps.reference = tables.folder
    steps.add(bookings=[booking(1), booking(2, site="Austin", status="odd"), booking(3, service="ZINC")])
    steps.add(bookings=[booking(4)], payments=[payment(1, "P1", site="austin")])
    insert(tables, "sites", 3, **AUSTIN)
    refused(steps, "sites.csv, austin: is new, and 2 rows that named it before were rejected", bookings=[booking(5)])
    tables.rows["sites"].pop(3)
    insert(tables, "services", 3, **ZINC)
    refused(steps, "services.csv, zinc: is new, and 1 row that named it before was rejected", bookings=[booking(5)])
    tables.rows["services"].pop(3)
    insert(tables, "sites", 0, **{**AUSTIN, "site": "reno", "name": "Reno"})
    steps.add(bookings=[booking(5, site="reno")])
    steps.check()


def test_the_words_themselves_are_not_kept(clinic: Clinic) -> None:
    """A column that has slipped may hold anything, as a patient's name or number."""
    clinic.write("bookings.csv", BOOKINGS, "B1,P1,chicago,vitamin-c,2026-01-05 09:00,completed", "B2,x,P1,Joan,,")
    clinic.publish()
    kept = clinic.ask("select column_name, name, rows from unknown_names order by all")
    assert [(column, len(name), rows) for column, name, rows in kept] == [("service", 20, 1), ("site", 20, 1)]
    number = clinic.one("select printf('%015x', patient) from bookings")
    assert not any(name.startswith(number) for _, name, _ in kept)


def test_an_extract_that_keeps_none(clinic: Clinic, tables: Tables) -> None:
    """One of an earlier version: refused as before, and added to as before, whatever is rejected then."""
    clinic.publish(reference=tables.folder)
    change(clinic, "drop table unknown_names")
    clinic.publish(add=True, reference=tables.folder)
    insert(tables, "sites", 3, **AUSTIN)
    insert(tables, "services", 3, **ZINC)
    words = r"services\.csv, zinc: is new, and the extract, which an earlier version(?s:.*)sites\.csv, austin: is new, and"
    with pytest.raises(DeliveryError, match=words):
        clinic.publish(add=True, reference=tables.folder)
    clinic.publish(reference=tables.folder)
    clinic.write("bookings.csv", BOOKINGS, "B9,P1,austin,zinc,2026-01-05 09:00,completed")
    clinic.publish(add=True, reference=tables.folder)
    assert clinic.one("select count(*) from bookings where site = 'austin' and service = 'zinc'") == 1


MAPPING = """
[bookings]
file = "v.csv"
[bookings.columns]
booking_id = "id"
patient_id = "patient"
site = { column = "place", values = { Loop = "chicago"%s } }
service = { constant = "vitamin-c" }
starts_at = "start"
status = { constant = "completed" }
[payments]
file = "p.csv"
[payments.columns]
payment_id = "id"
patient_id = "patient"
paid_at = "at"
kind = { constant = "payment" }
amount = { constant = "9" }
site = { column = "place", unusable = "empty" }
"""


def mapped(clinic: Clinic, tables: Tables, file: Path, *, more: str = "", **options: Any) -> None:
    file.write_text(MAPPING % more, encoding="utf-8")
    clinic.publish(mapping=file, reference=tables.folder, **options)


@pytest.mark.parametrize(("place", "paid", "rows"), [("Downtown", "", 1), ("Loop", "austin", 1), ("Loop", "", 0)])
def test_a_word_that_the_mapping_did_not_know(
    clinic: Clinic, tables: Tables, tmp_path: Path, place: str, paid: str, rows: int
) -> None:
    """It may be the new site's, and so may a payment's that was emptied; nobody can tell."""
    for old in clinic.delivery.iterdir():
        old.unlink()
    clinic.write("v.csv", "id,patient,place,start", "V1,P1,Loop,2026-01-05 09:00", f"V2,P2,{place},2026-01-05 09:00")
    clinic.write("p.csv", "id,patient,at,place", f"M1,P1,2026-01-05 09:00,{paid}")
    file = tmp_path / "m.toml"
    mapped(clinic, tables, file)
    insert(tables, "sites", 3, **AUSTIN)
    clinic.write("v.csv", "id,patient,place,start", "V3,P3,Downtown,2026-01-06 09:00")
    if rows:
        words = "austin: is new, and 1 row of earlier deliveries named none that was known, in no words"
        with pytest.raises(DeliveryError, match=words):
            mapped(clinic, tables, file, more=', Downtown = "austin"', add=True)
    else:
        mapped(clinic, tables, file, more=', Downtown = "austin"', add=True)
        assert clinic.one("select count(*) from bookings where site = 'austin'") == 1
