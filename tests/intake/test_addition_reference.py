"""Reference tables that differ from those of the extract: added to where no row would be another, else refused."""

from __future__ import annotations

import datetime as dt
import random
import re
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from intake_additions import Splitter, Steps, booking, demo_rows, event, in_use
from intake_clinic import BOOKINGS, EVENTS, Clinic
from intake_reference import Tables

from dashboard.intake.contract import DeliveryError


def last_day(extract: Path) -> dt.date:
    with duckdb.connect(str(extract), read_only=True) as connection:
        [[day]] = connection.execute("select max(starts_on) from bookings").fetchall()
    return dt.date.fromisoformat(str(day))


@pytest.mark.parametrize("seed", range(3))
def test_tables_that_change_from_delivery_to_delivery(steps: Steps, seed: int) -> None:
    """Everything, with the tables of the last day, gives the same as day by day with those of each."""
    chance = random.Random(seed)
    tables = Tables(steps.folder / "reference")
    steps.reference = tables.folder
    first, *others = Splitter(demo_rows(steps.folder / "demo", seed + 20, 1_000), seed, 4).deal()
    # Most minutes in the chair are those that are usual.
    for row in [*first["bookings"], *(row for part in others for row in part["bookings"])]:
        if chance.random() < 0.7:
            row.update(chair_minutes="", ends_at="")
    steps.add(**first)
    for part in others:
        tables.vary(chance, last_day(in_use(steps.data)))
        steps.add(**part)
        steps.check()


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    return Tables(tmp_path / "reference")


def test_prices_and_minutes_from_a_day_on(steps: Steps, tables: Tables) -> None:
    """A price counts for visits of which nothing is delivered any more; minutes of those that are there stay."""
    steps.reference = tables.folder
    missed = {"at": "2026-03-02 09:00", "status": "no_show"}
    steps.add(bookings=[booking(1), booking(2, "P2", **missed), booking(3, "P3", "dallas", price="400")])
    tables.row("services", "ketamine-infusion")["list_price"] = "123.00"
    tables.dated("services", "ketamine-infusion", "2026-03-01", list_price="999.00")
    tables.dated("services", "ketamine-infusion", "2026-03-03", minutes="45")
    tables.write()
    steps.add(bookings=[booking(4, at="2026-03-03 09:00")])
    steps.check()
    with duckdb.connect(str(in_use(steps.data)), read_only=True) as connection:
        minutes = connection.execute("select chair_minutes from bookings order by booking_id").fetchall()
        sums = connection.execute("select sum(no_show_cents), sum(listed_cents) from daily").fetchall()
    assert minutes == [(90,), (90,), (90,), (45,)]
    assert sums == [(99900, 12300)]


def test_minutes_of_days_on_which_all_were_delivered(steps: Steps, tables: Tables) -> None:
    steps.reference = tables.folder
    steps.add(bookings=[booking(1, chair_minutes="77"), booking(2, "P2", at="2026-02-05 09:00", service="vitamin-c")])
    tables.dated("services", "ketamine-infusion", "2026-01-05", minutes="45")
    tables.write()
    steps.add(bookings=[booking(3, at="2026-01-06 09:00")])
    steps.check()


def test_terms_that_no_side_effect_has(steps: Steps, tables: Tables) -> None:
    """One more, one less, another order; what was reported and is in no table stays what it is."""
    steps.reference = tables.folder
    steps.add(bookings=[booking(1)], side_effects=[event(1, 1), event(2, 1, "Foggy Head"), event(3, 9, "Odd Taste")])
    effects = tables.rows["effects"]
    kept = [row for row in effects if row["effect"] != "confusion"]
    added = {"effect": "zebra_vision", "name": "Seeing zebras", "listed": "yes", "serious": "yes"}
    tables.rows["effects"] = [kept[1], kept[0], added, *kept[2:]]
    tables.write()
    steps.add(side_effects=[event(4, 1, "Seeing Zebras"), event(5, 1, "Confusion")])
    steps.check()


def test_the_report_says_what_differs(clinic: Clinic, tables: Tables) -> None:
    name = clinic.publish(reference=tables.folder).name
    tables.rows["closures"] = [{"site": "", "date": "2026-01-06"}, {"site": "dallas", "date": "2026-03-06"}]
    tables.dated("services", "vitamin-c", "2026-03-01", list_price="999.00")
    tables.write()
    notes = clinic.publish(add=True, reference=tables.folder).notes
    [told] = [note for note in notes if note.startswith(f"the reference tables are others than those of {name}")]
    assert "closures: 2026-01-06, 2026-03-06 added; services: vitamin-c changed from 2026-03-01 on" in told
    assert clinic.ask("select site::varchar, open from calendar where date = '2026-01-06' and open") == []
    assert clinic.publish(add=True, reference=tables.folder).notes == ()


def _minutes(tables: Tables) -> None:
    tables.dated("services", "vitamin-c", "2026-01-02", minutes="45")
    tables.row("services", "ketamine-infusion")["minutes"] = "80"


def _other(table: str, key: str, **values: str) -> Any:
    return lambda tables: tables.row(table, key).update(values)


def _new(table: str, **values: str) -> Any:
    return lambda tables: tables.rows[table].append({**tables.rows[table][-1], **values})


def _gone(name: str, key: str) -> Any:
    return lambda tables: tables.rows[name].remove(tables.row(name, key))


def _moved(name: str) -> Any:
    return lambda tables: tables.rows[name].reverse()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_gone("sites", "dallas"), r"sites\.csv, dallas: is missing"),
        (_other("sites", "dallas", name="D"), r"sites\.csv, dallas: has another name"),
        (_other("sites", "dallas", timezone="America/Denver"), r"sites\.csv, dallas: has another time zone"),
        (_moved("sites"), r"sites\.csv, \w+: stands in another place"),
        (_gone("services", "vitamin-c"), r"services\.csv, vitamin-c: is missing"),
        (_other("services", "vitamin-c", name="C"), r"services\.csv, vitamin-c: has another name"),
        (_other("services", "vitamin-c", line="hydration"), r"services\.csv, vitamin-c: is of another line"),
        (_moved("services"), r"services\.csv, [\w-]+: stands in another place"),
        (
            _minutes,
            r"services\.csv, ketamine-infusion, the earliest row: has other minutes than before, by which 2 bookings of "
            r"the extract from 2026-01-05 to 2026-02-05 may be counted; let the new minutes count from 2026-02-06 on or "
            r"later(?s:.*)services\.csv, vitamin-c, the row from 2026-01-02 on: .*by which 1 booking of the extract on "
            "2026-02-01 may be counted",
        ),
        (_other("age_bands", "12–17", group="Teens"), r"age_bands\.csv, 12–17: is another row"),
        (_other("effects", "nausea", serious="yes"), r"effects\.csv, nausea: the term .* 1 side effect of"),
        (_other("effects", "dizziness", name="Vertigo"), r"effects\.csv, dizziness: the term .* 1 side effect of"),
        (_new("effects", effect="x", name="Foggy head"), r"effects\.csv, foggy_head: the term .* 1 side effect of"),
    ],
)  # fmt: skip
def test_what_would_make_other_rows_is_refused(clinic: Clinic, tables: Tables, change: Any, words: str) -> None:
    visit = "ketamine-infusion,2026-02-05 09:00,completed"
    clinic.write(
        "bookings.csv", BOOKINGS,
        f"B1,P1,chicago,{visit.replace('02-05', '01-05')}", f"B2,P2,dallas,{visit}",
        "B3,P2,dallas,vitamin-c,2026-02-01 09:00,completed",
    )  # fmt: skip
    # One of them waits for its booking.
    clinic.write("side_effects.csv", EVENTS, "E1,B1,nausea", "E2,B9,dizziness", "E3,B1,Foggy Head")
    name = clinic.publish(reference=tables.folder).name
    change(tables)
    tables.write()
    with pytest.raises(DeliveryError) as found:
        clinic.publish(add=True, reference=tables.folder)
    assert re.search(
        f"can't be added to {re.escape(name)}: the reference tables differ.*without --add\n(?s:.*){words}",
        str(found.value),
    )


def test_tables_that_are_forgotten(clinic: Clinic, tables: Tables) -> None:
    """As many rows are named as a person reads."""
    for number in range(20):
        tables.rows["sites"].append({**tables.rows["sites"][0], "site": f"s{number}", "name": f"S{number}"})
    tables.write()
    clinic.publish(reference=tables.folder)
    shutil.rmtree(tables.folder)
    with pytest.raises(DeliveryError, match="with --reference") as found:
        clinic.publish(add=True)
    assert str(found.value).count("is missing") == 10
    assert str(found.value).endswith("and 10 more")
