"""Drafts for files that tell a moment or an age in pieces, and for payments with a status each."""

from __future__ import annotations

from pathlib import Path

import pytest
from intake_clinic import at
from intake_drafts import drafted, imported

DAYS = range(1, 25)
PARTS = "AppointmentID,PatientID,Year,Month,Day,Hour,Minute,Status"
VISITS = ["Appointment ID,Patient ID,Start,Status", *(f"V{n},P{n % 9},2026-01-{n:02}T09:00,Completed" for n in DAYS)]


def test_a_moment_in_five_columns_is_put_together(tmp_path: Path) -> None:
    rows = [f"A{n},P{n % 5},2026,1,{n},{n % 9 + 8},{n % 6 * 10},COMPLETED" for n in DAYS]
    clinic, text = imported(tmp_path, visits=[PARTS, *rows])
    assert "a moment in its parts" in text
    assert clinic.ask("select booking_id, starts_at from bookings order by starts_at") == [
        (f"A{n}", at(2026, 1, n, n % 9 + 8, n % 6 * 10)) for n in DAYS
    ]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("A{n},P{n},2026,1,{n},,", "is there no time of day?"),
        ("A{n},P{n},2026,Jan,{n},9,0", "required, and no column found"),
        ("A{n},P{n},2026,13,{n},9,0", "required, and no column found"),
    ],
)
def test_what_is_no_moment_is_asked(tmp_path: Path, row: str, told: str) -> None:
    text, _ = drafted(tmp_path, visits=[PARTS, *(f"{row.format(n=n)},COMPLETED" for n in DAYS)])
    [line] = [line for line in text.splitlines() if line.removeprefix("# ").startswith("starts_at")]
    assert told in line


AGES = [("540", "MON"), ("6", "DEC"), ("45", "YR"), ("45.5", "YR"), ("7", "")]


def test_an_age_counts_where_its_unit_says_years(tmp_path: Path) -> None:
    """As FAERS has them: 540 months are no age, and 6 decades are not six years."""
    rows = [
        f"A{place}{n},P,2026-01-{n:02} 09:00,Completed,{age},{unit}"
        for place, (age, unit) in enumerate(AGES)
        for n in DAYS
    ]
    clinic, text = imported(tmp_path, visits=["appointment_id,patient_id,start,status,age,age_cod", *rows])
    assert "where age_cod says years" in text
    assert clinic.ask("select left(booking_id, 2), any_value(age) from bookings group by 1 order by 1") == [
        ("A0", None),
        ("A1", None),
        ("A2", 45),
        ("A3", 45),
        ("A4", None),
    ]


@pytest.mark.parametrize(("units", "line"), [(("YR", "Years"), 'age = "age"'), (("MON",), "# age = ")])
def test_of_years_alone_nothing_is_said_and_of_others_nothing_is_read(
    tmp_path: Path, units: tuple[str, ...], line: str
) -> None:
    rows = [f"A{n},P,2026-01-{n:02} 09:00,Completed,{n + 20},{units[n % len(units)]}" for n in DAYS]
    text, _ = drafted(tmp_path, visits=["appointment_id,patient_id,start,status,age,age_unit", *rows])
    assert any(one.startswith(line) for one in text.splitlines())


def payments(*status: str) -> list[str]:
    rows = [f"M{n},V{n},Ann Poe,CARD,{n}.00,{status[n % len(status)]},2026-01-{n:02}T10:00:00" for n in DAYS]
    return ["Payment ID,Booking ID,Client Name,Method,Amount,Status,Date", *rows]


def test_who_paid_by_name_is_the_bookings_patient(tmp_path: Path) -> None:
    clinic, _ = imported(tmp_path, appointments=VISITS, payments=payments("SUCCESS"))
    assert clinic.ask(
        "select count(*), count(distinct p.patient), bool_and(p.patient = b.patient) "
        "from payments p join bookings b using (booking_id)"
    ) == [(len(DAYS), 9, True)]


def test_a_payment_given_back_is_asked_and_what_is_left_out_is_not(tmp_path: Path) -> None:
    """Its amount came in and went out, where a refund of its own would only go out."""
    text, draft = drafted(
        tmp_path, appointments=VISITS, payments=payments("SUCCESS", "REFUNDED", "PENDING", "FAILED")
    )
    assert draft["payments"]["except"] == {"column": "Status", "values": ["FAILED", "PENDING"]}
    assert draft["payments"]["columns"]["kind"]["values"] == {"SUCCESS": "payment"}
    [asked] = [line for line in text.splitlines() if line.startswith('# "REFUNDED"')]
    assert "of which nothing stays (leave it out by except)" in asked
    assert not any(line.startswith(('# "PENDING"', '# "FAILED"')) for line in text.splitlines())


def test_a_refund_of_a_type_is_one(tmp_path: Path) -> None:
    lines = [payments("")[0].replace("Status", "Transaction Type"), *payments("Payment", "Refunded")[1:]]
    _, draft = drafted(tmp_path, appointments=VISITS, payments=lines)
    assert draft["payments"]["columns"]["kind"]["values"] == {"Payment": "payment", "Refunded": "refund"}


def in_currency(*codes: str, amount: str = "{n}.00") -> list[str]:
    rows = [f"M{n},P{n % 9},{amount.format(n=n)},{codes[n % len(codes)]},2026-01-{n:02}T10:00:00" for n in DAYS]
    return ["Payment ID,Patient ID,Amount,Currency,Date", *rows]


def test_payments_in_other_currencies_are_left_out_and_told(tmp_path: Path) -> None:
    """EUR 12 are not 12 dollars."""
    clinic, text = imported(tmp_path, appointments=VISITS, payments=in_currency("usd", "eur", "usd"))
    assert "DECIDE: amounts count as dollars, and Currency says eur, too" in text
    kept = [n for n in DAYS if n % 3 != 1]
    assert clinic.one("select sum(amount_cents) from payments") == 100 * sum(kept)
    assert clinic.ask("select rows_left_out from sources where source = 'payments'") == [(len(DAYS) - len(kept),)]


@pytest.mark.parametrize(
    ("lines", "asked"),
    [
        (in_currency("EUR"), "# DECIDE: amounts count as dollars, and Currency says EUR"),
        (in_currency("USD", amount="€{n}.00"), "DECIDE: amounts count as dollars, and these are in €"),
        (in_currency("USD", amount="${n}.00"), ""),
        (in_currency("USD", "usd"), ""),
    ],
)
def test_amounts_that_are_no_dollars_are_asked_about(tmp_path: Path, lines: list[str], asked: str) -> None:
    text, draft = drafted(tmp_path, appointments=VISITS, payments=lines)
    assert ("count as dollars" in text) is bool(asked)
    assert asked in text
    assert "only" not in draft["payments"]


@pytest.mark.parametrize(("name", "no"), [("isCompleted", "booked"), ("Attended", "no_show")])
def test_what_is_not_completed_need_not_have_been_missed(tmp_path: Path, name: str, no: str) -> None:
    """It may be still to come; who did not attend was missed."""
    rows = [
        f"V{n},P{n % 9},2026-01-{n:02}T09:00,{('true', 'false')[n % 2]},{('false', 'true')[n % 3 == 0]}" for n in DAYS
    ]
    _, draft = drafted(tmp_path, visits=[f"Appointment ID,Patient ID,Start,{name},cancelled", *rows])
    assert draft["bookings"]["columns"]["status"]["values"] == {
        "true+false": "completed",
        "false+false": no,
        "true+true": "cancelled",
        "false+true": "cancelled",
    }


def test_a_day_at_midnight_in_utc_may_have_its_time_elsewhere(tmp_path: Path) -> None:
    rows = [f"V{n},P{n % 9},2026-01-{n:02}T00:00:00.000Z,{n % 3 + 9}:10 AM" for n in DAYS]
    text, _ = drafted(tmp_path, visits=["Appointment ID,Patient ID,appointmentDate,slot", *rows])
    assert "DECIDE: it has no time of day; is that in slot?" in text
