"""Values that look like others, headers that stand elsewhere, and what messages may say of a first line."""

from __future__ import annotations

import io

import pytest
from intake_clinic import BOOKINGS, EVENTS, VISIT_COLUMNS, Clinic, Export, bookings

from dashboard.intake.contract import DeliveryError
from dashboard.intake.scan import scan

NAME = "Quixworth"
VISITS = f'[bookings]\nfile = "visits.csv"\n{VISIT_COLUMNS}'
START = "2026-01-05 09:00"


def row(name: str, start: str = START, **more: str) -> str:
    return ",".join([name, "P1", "chicago", "vitamin-c", start, "completed", *more.values()])


def refused(clinic: Clinic, **options: object) -> str:
    with pytest.raises(DeliveryError) as refusal:
        clinic.publish(**options)
    return str(refusal.value)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-05 9:00Z",
        "2026-1-05 09:00Z",
        "2026-01-5 09:00Z",
        "2026-01-05 09:0Z",
        "2026-01-05 09:00:0Z",
        "2026-1-5 9:00+05",
        "2026-01-05T9:00Z",
        "2026-01-05 09:00+99:00",
        "2026-01-05 09:00:00-15:00",
        "2026-01-05 09:00+05:60",
    ],
)
def test_no_offset_of_a_time_is_lost(clinic: Clinic, text: str) -> None:
    """As long as a local time, or further from UTC than any zone."""
    clinic.write("bookings.csv", BOOKINGS, row("B1"), row("B2", text))
    clinic.publish()
    assert [(line, value) for _, line, _, value in clinic.rejects()] == [(3, text)]


@pytest.mark.parametrize("text", ["1_000", "4_75", "1e2", "1E2", "1e-3", "5e-1", "0x1F", "0b11", "1_0.5"])
def test_what_only_a_program_reads_as_a_number_is_rejected(clinic: Clinic, text: str) -> None:
    clinic.write("bookings.csv", f"{BOOKINGS},price,age,dose_mg", row("B1", a="1.00", b="007", c="+5"))
    clinic.write("bookings-2.csv", f"{BOOKINGS},price", row("B2", price=text))
    clinic.write("bookings-3.csv", f"{BOOKINGS},age", row("B3", age=text))
    clinic.write("bookings-4.csv", f"{BOOKINGS},dose_mg", row("B4", dose=text))
    clinic.publish()
    assert [value for *_, value in clinic.rejects()] == [text] * 3
    assert clinic.ask("select price_cents, age, dose_mg::double from bookings") == [(100, 7, 5)]


@pytest.mark.parametrize("text", ["1_000", "1e-3"])
def test_nor_is_it_multiplied(export: Export, text: str) -> None:
    export.write("visits.csv", "id,patient,start,fee", f"V1,P1,{START},500", f"V2,P1,{START},{text}")
    export.publish(bookings(price='{ column = "fee", times = 0.01 }'))
    assert export.bookings("booking_id, price_cents") == [("V1", 500)]


@pytest.mark.parametrize("mark", ["\t", "\ufeff", "\u200b", "\u202e", "\u2060", "\x0b", " \t\u00a0"])
@pytest.mark.parametrize("before", [True, False])
def test_what_nobody_sees_around_an_id_makes_no_other_id(clinic: Clinic, mark: str, before: bool) -> None:
    """A byte-order mark in the middle of joined files, a tab behind a copied number."""
    clinic.write("bookings.csv", BOOKINGS, row("B1"), row(mark + "B2" if before else "B2" + mark), row("B2"))
    clinic.write("side_effects.csv", EVENTS, "E1,B2,nausea")
    clinic.publish()
    assert clinic.ask("select booking_id from bookings order by all") == [("B1",), ("B2",)]
    assert clinic.rejects() == [("bookings.csv", 4, "booking_id", "B2")]


@pytest.mark.parametrize("window", range(8, 40))
def test_values_with_a_tab_are_not_tidy(window: int) -> None:
    for values, tidy in ((b"1,x\ty,3\n", False), (b"1,x\t,3\n", False), (b"1,x y,3\n", True)):
        assert scan(io.BytesIO(b"a,b,c\n" + values * 9), window=window).tidy is tidy
