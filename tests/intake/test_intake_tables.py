"""What becomes of side effects, payments, scores and calendars; reference tables; what is accepted and rejected adds up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from intake_clinic import B1, BOOKINGS, EVENTS, Clinic, at

from dashboard.intake.contract import DeliveryError


def test_side_effects(clinic: Clinic) -> None:
    clinic.write("bookings.csv", BOOKINGS, B1, "B2,P2,nowhere,vitamin-c,2026-01-05 09:00,completed")
    clinic.write(
        "side_effects.csv",
        EVENTS + ",severity,serious,onset_at,resolved_at,outcome",
        "E1,B1,nausea,mild,,2026-01-05 09:30,2026-01-05 10:30,resolved",
        "E2,B1,Nausea,severe,,2026-01-05 09:40,,Emergency_Transfer",
        "E3,B1,Cardiac arrest,,,,,",
        "E4,B1,cardiac-arrest,unknown,no,,,",
        "E5,B1,Itching  skin,,yes,,,",
        "E6,B9,nausea,,,,,",
        "E7,B2,nausea,,,,,",
        "E8,B1,nausea,awful,,,,",
        "E1,B1,nausea,,,,,",
        "E9,B1,nausea,,,2026-01-04 08:59,,",
        "E10,B1,nausea,,,2026-01-05 09:30,2026-01-05 09:29,",
        "E11,B1,,,,,,",
    )
    clinic.publish()
    assert clinic.ask(
        "select event_id, effect, severity, listed, serious, onset_minutes, duration_minutes, transfer, first_of_kind "
        "from side_effects order by event_id"
    ) == [
        ("E1", "nausea", "mild", True, False, 30, 60, False, False),
        ("E2", "nausea", "severe", True, False, 40, None, True, True),
        ("E3", "cardiac_arrest", "unknown", False, True, None, None, False, True),
        ("E4", "cardiac_arrest", "unknown", False, False, None, None, False, False),
        ("E5", "itching_skin", "unknown", False, True, None, None, False, True),
    ]
    assert [row[1:3] for row in clinic.rejects() if row[0] == "side_effects.csv"] == [
        (7, "booking_id"), (8, "booking_id"), (9, "severity"), (10, "event_id"), (11, "onset_at"),
        (12, "resolved_at"), (13, "effect"),
    ]  # fmt: skip
    assert clinic.ask("select name, listed, serious from effects order by position")[-1] == (
        *("Itching  skin", False, False),
    )
    assert clinic.ask("select has_effect, has_serious, has_severe from bookings") == [(True, True, True)]


def test_payments_find_their_site(clinic: Clinic) -> None:
    clinic.write(
        "bookings.csv",
        BOOKINGS,
        "B1,P1,dallas,vitamin-c,2026-01-05 09:00,completed",
        "B2,P1,chicago,ketamine-booster,2026-01-06 09:00,completed",
    )
    clinic.write(
        "payments.csv",
        "payment_id,patient_id,paid_at,kind,amount,booking_id,site",
        "M1,P1,2026-01-06T16:00Z,payment,199.99,B2,",
        "M2,P1,2026-01-06 16:00,refund,-0.1,,",
        "M3,P1,2026-01-06 16:00,package_sale,1,B1,miami_beach",
        "M4,P8,2026-01-06 16:00,payment,1,,",
        "M5,P1,2026-01-06 16:00,payment,1,B9,",
        "M6,P1,2026-01-06 16:00,tip,1,,",
        "M7,P1,2026-01-06 16:00,payment,-1,,",
        "M1,P1,2026-01-06 16:00,payment,1,,",
        "M8,P8,2026-01-06 16:00,payment,1,,dallas",
    )
    clinic.publish()
    assert clinic.ask("select payment_id, site, line, paid_at, amount_cents from payments order by all") == [
        ("M1", "chicago", "ketamine", at(2026, 1, 6, 10), 19999),
        ("M2", "dallas", None, at(2026, 1, 6, 16), 10),
        ("M3", "miami_beach", "vitamin", at(2026, 1, 6, 16), 100),
        ("M8", "dallas", None, at(2026, 1, 6, 16), 100),
    ]
    assert [row[1:3] for row in clinic.rejects()] == [
        *((5, "site"), (6, "booking_id"), (7, "kind"), (8, "amount"), (9, "payment_id")),
    ]
    assert "add the column site" in clinic.one("select reason from rejects where line = 5")


def test_scores_find_their_site_and_range(clinic: Clinic) -> None:
    clinic.write(
        "bookings.csv",
        BOOKINGS,
        "B1,P1,dallas,vitamin-c,2026-01-05 09:00,completed",
        "B2,P1,chicago,vitamin-c,2026-01-08 09:00,completed",
    )
    values = [
        ("PHQ-9", 27, 4),
        ("PHQ-9", 0, 5),
        ("GAD-7", 21, 7),
        ("gad-7", 0, 8),
        ("PHQ-9", 28, 8),
        ("GAD-7", 22, 8),
    ]
    clinic.write(
        "scores.csv",
        "score_id,patient_id,instrument,taken_at,score",
        *(f"S{n},P1,{name},2026-01-0{day} 08:00,{score}" for n, (name, score, day) in enumerate(values)),
        "S6,P7,PHQ-9,2026-01-05 08:00,9",
        "S7,P1,BDI,2026-01-05 08:00,9",
    )
    clinic.publish()
    assert clinic.ask("select site, instrument, score from scores order by score_id") == [
        ("dallas", "PHQ-9", 27), ("dallas", "PHQ-9", 0), ("dallas", "GAD-7", 21), ("chicago", "GAD-7", 0),
    ]  # fmt: skip
    assert [row[1:3] for row in clinic.rejects()] == [
        (6, "score"),
        (7, "score"),
        (8, "patient_id"),
        (9, "instrument"),
    ]


def test_new_visits_and_full_days(clinic: Clinic) -> None:
    clinic.write(
        "bookings.csv",
        BOOKINGS,
        "B1,P1,dallas,vitamin-c,2026-01-01 09:00,no_show",
        "B2,P1,dallas,vitamin-c,2026-01-02 09:00,arrived",
        "B3,P1,chicago,vitamin-c,2026-01-03 09:00,completed",
        "B4,P1,dallas,vitamin-c,2026-01-04 09:00,completed",
        "B5,P1,dallas,vitamin-c,2026-01-04 09:00,completed",
        "B6,P1,dallas,vitamin-c,2026-02-04 09:00,booked",
        "B7,P1,miami_beach,vitamin-c,2026-01-03 10:00,completed",
    )
    clinic.publish()
    assert clinic.ask("select booking_id from bookings where is_new") == [("B2",)]
    assert clinic.ask("select first_day, last_day, last_full_day from extract_info") == [
        (dt.date(2026, 1, 1), dt.date(2026, 2, 4), dt.date(2026, 1, 4))
    ]
    assert clinic.ask("select min(date), max(date), count(*) from calendar") == [
        (dt.date(2026, 1, 1), dt.date(2026, 2, 28), 59 * 3)
    ]
    assert clinic.ask("select open, open_minutes, capacity_minutes, weekday from calendar where date = '2026-01-04'") == [
        (False, 0, 0, 7), (False, 0, 0, 7), (True, 600, 4200, 7),
    ]  # fmt: skip
    # A Friday, before two of the sites had their first booking.
    assert clinic.ask("select site::varchar, open from calendar where date = '2026-01-02'") == [
        ("chicago", False), ("dallas", True), ("miami_beach", False),
    ]  # fmt: skip


def test_the_day_before_counts_as_full_while_bookings_are_open(clinic: Clinic) -> None:
    clinic.write("bookings.csv", BOOKINGS, B1, "B2,P2,dallas,vitamin-c,2026-01-05 15:00,booked")
    clinic.publish()
    assert clinic.one("select last_full_day from extract_info") == dt.date(2026, 1, 4)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("sites", "site,name\nx,y\n", "no column city"),
        ("sites", "site,name,city,timezone,chairs,opens,closes,open_days\nx,X,,Mars/Base,1,08:00,17:00,Mon\n", "timezone"),
        ("sites", "site,name,city,timezone,chairs,opens,closes,open_days\nx,X,,UTC,0,08:00,17:00,Mon\n", "chairs"),
        ("sites", "site,name,city,timezone,chairs,opens,closes,open_days\nx,X,,UTC,1,18:00,17:00,Mon\n", "closes"),
        ("sites", "site,name,city,timezone,chairs,opens,closes,open_days\nx,X,,UTC,1,08:00,17:00,Mo\n", "open_days"),
        ("services", "service,name,line,minutes,list_price\na,A,tea,10,1\n", "line"),
        ("services", "service,name,line,minutes,list_price\na,A,vitamin,10,1.234\n", "list_price"),
        ("services", "service,name,line,minutes,list_price\na,A,vitamin,10,1\na,A,vitamin,10,1\n", "stands twice"),
        ("effects", "effect,name,listed,serious\nnausea,Nausea,maybe,no\n", "listed"),
        ("effects", "effect,name,listed,serious\n", "no rows"),
        ("age_bands", "band,group,from_age,to_age\na,A,0,9\nb,B,11,\nUnknown,Unknown,,\n", "from_age"),
        ("age_bands", "band,group,from_age,to_age\na,A,0,\n", "Unknown"),
    ],
)  # fmt: skip
def test_reference_tables_are_checked(clinic: Clinic, tmp_path: Path, name: str, text: str, words: str) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / f"{name}.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DeliveryError, match=words) as refusal:
        clinic.publish(reference=own)
    assert f"{name}.csv" in str(refusal.value)


def test_own_reference_tables(clinic: Clinic, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "sites.csv").write_text(
        "site,name,city,timezone,chairs,opens,closes,open_days\nzürich,Z,,Europe/Zurich,2,07:30,12:00,Mon\n".replace(
            "zürich", "zurich"
        ),
        encoding="utf-8",
    )
    clinic.write("bookings.csv", BOOKINGS, "B1,P1,zurich,vitamin-c,2026-01-05T08:00Z,completed")
    clinic.publish(reference=own)
    assert clinic.ask("select site, starts_at, chair_minutes from bookings") == [("zurich", at(2026, 1, 5, 9), 60)]
    assert clinic.one("select sum(capacity_minutes) from calendar") == 4 * 270 * 2


cell = st.sampled_from(
    ["B1", "B2", "P1", "chicago", "mars", "vitamin-c", "2026-01-05 09:00", "completed", "", '"', '""', ",", "\n", "\r\n",
     '"a\nb"', "é", "\ufeff", "-1", "\0"]
)  # fmt: skip


def some_files(most: int) -> st.SearchStrategy[list[list[list[str]]]]:
    """Several files an import, since most of its time is the same for one and for many."""
    return st.lists(st.lists(st.lists(cell, max_size=most), max_size=8), min_size=3, max_size=5)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(some_files(8), some_files(5))
def test_accepted_and_rejected_add_up_to_read(
    make_clinic: Callable[[], Clinic], bookings: list[list[list[str]]], events: list[list[list[str]]]
) -> None:
    clinic = make_clinic()
    for number, rows in enumerate(bookings):
        clinic.write(f"bookings-{number}.csv", BOOKINGS, *map(",".join, rows))
    for number, rows in enumerate(events):
        clinic.write(f"side_effects-{number}.csv", EVENTS, *map(",".join, rows))
    report = clinic.publish()
    found, accepted = clinic.rows_by_file(), {"bookings": 0, "side_effects": 0}
    for file in report.files:
        assert file.rows_accepted + file.rows_rejected == file.rows_read
        assert file.rows_rejected == found.get(file.file, 0)
        accepted[file.source] += file.rows_accepted
    assert accepted == {source: found[source] for source in accepted}
