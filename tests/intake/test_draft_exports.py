"""What a draft makes of exports as they are: of charts, diaries and ledgers."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from intake_clinic import Export
from intake_drafts import drafted, imported

DIARY = "Date,Time,End Time,Client ID,Service,Location,Status,Booked Date"
LEDGER = "ID,PATIENT,TYPE,AMOUNT,FROMDATE"
VISITS = "booking_id,patient_id,site,service,starts_at,status"


def test_a_start_lends_its_time_to_no_other_day(tmp_path: Path) -> None:
    rows = [f"1/{day}/2026,9:15 AM,10:45 AM,C{day},vitamin-c,Chicago,Completed,1/2/2026" for day in range(5, 17)]
    clinic, text = imported(tmp_path, diary=[DIARY, *rows])
    assert 'booked_at = { column = "Booked Date", format = "%m/%d/%Y" }' in text
    found = clinic.ask("select cast(starts_at as varchar), cast(booked_on as varchar) from bookings order by 1")
    assert found[0] == ("2026-01-05 09:15:00", "2026-01-02")


def test_a_time_of_four_digits_stands_behind_its_day(tmp_path: Path) -> None:
    header = "Visit ID,Patient ID,Visit Date,Visit Time,Room Number,Facility,Appt Type,Appt Status"
    rows = [f"{n},{n},01/{n:02}/26,{n + 3:02}30,0101,Dallas,vitamin-c,Checked Out" for n in range(5, 17)]
    clinic, _ = imported(tmp_path, visits=[header, *rows])
    assert clinic.ask("select cast(starts_at as varchar) from bookings order by 1")[0] == ("2026-01-05 08:30:00",)


@pytest.mark.parametrize(("time", "told"), [("2430", "Visit Date"), ("930", "Visit Date")])
def test_other_numbers_are_no_times(tmp_path: Path, time: str, told: str) -> None:
    header = "Visit ID,Patient ID,Visit Date,Visit Time,Facility,Appt Type,Appt Status"
    rows = [f"{n},{n},01/{n:02}/26,{time},Dallas,vitamin-c,Checked Out" for n in range(5, 17)]
    _, said = drafted(tmp_path, visits=[header, *rows])
    assert said["bookings"]["columns"]["starts_at"]["column"] == told


def test_a_charge_beside_payments_is_asked_about(tmp_path: Path) -> None:
    visits = [VISITS, "B1,P1,chicago,vitamin-c,2026-01-05 09:00,completed"]
    rows = [f"{n},P1,{kind},{n}.00,2026-01-{n:02}" for n in range(10, 20) for kind in ("CHARGE", "PAYMENT")]
    text, said = drafted(tmp_path, visits=visits, ledger_payments=[LEDGER, *rows])
    assert said["payments"]["columns"]["kind"]["values"] == {"PAYMENT": "payment"}
    assert '# "CHARGE" = "payment"  # DECIDE: was it paid, or is it owed?' in text


def test_a_charge_alone_is_a_payment(tmp_path: Path) -> None:
    visits = [VISITS, "B1,P1,chicago,vitamin-c,2026-01-05 09:00,completed"]
    rows = [f"{n},P1,{kind},{n}.00,2026-01-{n:02}" for n in range(10, 20) for kind in ("charge", "refund")]
    _, said = drafted(tmp_path, visits=visits, ledger_payments=[LEDGER, *rows])
    assert said["payments"]["columns"]["kind"]["values"] == {"charge": "payment", "refund": "refund"}


@pytest.mark.parametrize("column", ["voided", "isDeleted", "is_deleted", "DELETED"])
def test_rows_that_were_deleted_are_left_out(tmp_path: Path, column: str) -> None:
    header = f"appointment_id,patient_id,location,service,start_date_time,status,{column}"
    rows = [
        f"{n},{n},Chicago,vitamin-c,2026-01-{n:02} 09:00:00,{'Missed' if n % 2 else 'Completed'},{n // 15}"
        for n in range(5, 17)
    ]
    clinic, _ = imported(tmp_path, patient_appointment=[header, *rows])
    assert clinic.one("select count(*) from bookings") == 10
    assert clinic.ask("select rows_read, rows_left_out from sources where source = 'bookings'") == [(12, 2)]


@pytest.mark.parametrize(("said", "left_out"), [("FALSE", "TRUE"), ("0", "1"), ("nao", None)])
def test_where_nothing_was_deleted_yet_the_other_word_is_left_out(
    tmp_path: Path, said: str, left_out: str | None
) -> None:
    header = "appointment_id,patient_id,location,service,start_date_time,status,deleted"
    rows = [f"{n},{n},Chicago,vitamin-c,2026-01-{n:02} 09:00:00,Completed,{said}" for n in range(10, 17)]
    _, draft = drafted(tmp_path, patient_appointment=[header, *rows])
    assert draft["bookings"].get("except", {}).get("values") == left_out


def test_the_calendar_of_openemr(tmp_path: Path) -> None:
    header = "pc_eid,pc_pid,pc_title,pc_eventDate,pc_startTime,pc_endTime,pc_apptstatus,pc_facility,pc_service"
    signs = ">", "?", "x", "%", "@", "-"
    rows = [
        f"{n},{n + 50},Office Visit,2026-01-{n:02},09:00:00,10:30:00,{signs[n % 6]},Chicago,vitamin-c"
        for n in range(6, 18)
    ]
    clinic, _ = imported(tmp_path, openemr_events=[header, *rows])
    assert dict(clinic.ask("select status, count(*) from bookings group by all")) == {
        "completed": 2, "no_show": 2, "cancelled": 2, "late_cancelled": 2, "arrived": 2, "booked": 2,
    }  # fmt: skip
    assert clinic.one("select count(*) from bookings where chair_minutes = 90") == 12


@pytest.mark.parametrize(
    ("said", "means"),
    [("N/S", "no_show"), ("CANC", "cancelled"), ("4 - Charge Entered", "completed"), ("f - Filled", "booked")],
)
def test_short_words_for_what_became_of_a_visit(tmp_path: Path, said: str, means: str) -> None:
    header = "apptid,patientid,apptdate,location,service,apptstatus"
    rows = [f"{n},{n},01/{n}/2026,Chicago,vitamin-c,{said if n % 2 else 'Arrived'}" for n in range(13, 29)]
    _, draft = drafted(tmp_path, apptlist=[header, *rows])
    assert draft["bookings"]["columns"]["status"]["values"] == {said: means, "Arrived": "arrived"}


def test_a_status_that_is_seldom_told_is_asked_about(tmp_path: Path) -> None:
    header = "Start Time,Appointment ID,Client ID,Calendar,Type,Label"
    rows = [
        f"2026-01-{n:02} 09:00,{n},{n},Chicago,vitamin-c,{('', 'Completed', 'No Show')[n % 3]}" for n in range(9, 27)
    ]
    text, _ = drafted(tmp_path, schedule=[header, *rows])
    assert "or is it in Label, which is often empty?" in text


@pytest.mark.parametrize(
    ("said", "back", "means"),
    [("Refunded", "100.00", "payment"), ("Refunded", "0.00", "refund"), ("Refund", "100.00", "refund")],
)
def test_a_charge_that_was_paid_back_was_paid(tmp_path: Path, said: str, back: str, means: str) -> None:
    visits = [VISITS, "B1,P1,chicago,vitamin-c,2026-01-05 09:00,completed"]
    header = "id,Created date (UTC),Amount,Amount Refunded,Status,Customer ID"
    rows = [
        f"ch_{n},2026-01-{n} 15:22:01,100.00,{(back, '0.00')[n % 2]},{(said, 'Paid')[n % 2]},P1"
        for n in range(10, 28)
    ]
    _, draft = drafted(tmp_path, visits=visits, payments=[header, *rows])
    assert draft["payments"]["columns"]["kind"]["values"] == {"Paid": "payment", said: means}


def test_an_extract_of_short_names_and_words(tmp_path: Path) -> None:
    header = "APPT_ID|MRN|APPT_DT|APPT_TM|DEPT|APPT_TYPE|APPT_STATUS|NO_SHOW_IND"
    words = "COMP", "NOSHW", "CAN", "SCH"
    rows = [f"{n}|{n:07}|202601{n}|0915|CHICAGO|VITAMIN-C|{words[n % 4]}|N" for n in range(12, 28)]
    clinic, _ = imported(tmp_path, appt_extract=[header, *rows])
    assert dict(clinic.ask("select status, count(*) from bookings group by all")) == {
        "completed": 4, "no_show": 4, "cancelled": 4, "booked": 4,
    }  # fmt: skip
    assert clinic.one("select count(*) from bookings where strftime(starts_at, '%H:%M') = '09:15'") == 16


def test_small_numbers_of_sites_are_no_patients(tmp_path: Path) -> None:
    visits = ["visit_id,person_id,care_site_id,visit_start_datetime,service,status"]
    visits += [f"{n},{n % 9},{n % 3},2026-01-{n:02} 09:00:00,vitamin-c,completed" for n in range(9, 27)]
    sites = ["care_site_id,care_site_name", "0,Chicago", "1,Dallas", "2,Miami Beach"]
    people = ["person_id,birth_datetime", *(f"{n},19{50 + n}-05-06 00:00:00" for n in range(9))]
    clinic, text = imported(tmp_path, visits=visits, care_site=sites, person=people)
    assert "[joins.patients]" in text
    assert clinic.one("select count(*) from bookings where age is not null") == 18
    assert dict(clinic.ask("select site, count(*) from bookings group by all")) == {
        "chicago": 6, "dallas": 6, "miami_beach": 6,
    }  # fmt: skip


def test_an_empty_status_is_asked_about(tmp_path: Path) -> None:
    header = "id,patient,scheduled_time,office,service,status"
    rows = [
        f"{n},{n},2026-01-{n:02} 09:00,Chicago,vitamin-c,{('', 'Complete', 'In Room')[n % 3]}" for n in range(9, 27)
    ]
    text, said = drafted(tmp_path, appointments=[header, *rows])
    assert said["bookings"]["columns"]["status"]["values"] == {"Complete": "completed", "In Room": "arrived"}
    assert '# "" = ""  # DECIDE: in some rows it is empty; one of booked,' in text


@pytest.mark.parametrize(("name", "asked"), [("center_id", True), ("Hospital__c", True), ("zone", False)])
def test_a_site_that_is_told_by_numbers_is_asked_about(tmp_path: Path, name: str, asked: bool) -> None:
    header = f"appointment_id,patient_id,{name},appointment_date,service,status"
    rows = [f"{n},{n},{n % 3},2026-01-{n:02} 09:00,vitamin-c,completed" for n in range(9, 27)]
    text, _ = drafted(tmp_path, visits=[header, *rows])
    assert (f"or is it in {name}?" in text) is asked


def test_a_file_of_thousands_of_columns_is_drafted_soon(tmp_path: Path) -> None:
    # As in a matrix of measurements: to try formats on each column took a minute.
    lines = [",".join(str(n * line % 997) for n in range(1, 6001)) for line in range(1, 4)]
    began = time.process_time()
    drafted(tmp_path, visits=lines)
    assert time.process_time() - began < 20


def test_a_name_without_end_is_no_name(tmp_path: Path) -> None:
    # To take it apart took minutes, in an import by the number of the column as well.
    lines = ["id,patient,start," + "HEADER" * 3_000, *(f"{n},{n},2026-01-{n:02} 09:00,x" for n in range(9, 27))]
    began = time.process_time()
    drafted(tmp_path, visits=lines)
    (other := tmp_path / "other").mkdir()
    export = Export(other)
    export.write("visits.csv", *lines)
    export.publish(
        """
        [bookings]
        file = "visits.csv"
        columns.booking_id = "id"
        columns.patient_id = "patient"
        columns.site = { constant = "chicago" }
        columns.service = { constant = "vitamin-c" }
        columns.starts_at = "start"
        columns.status = { constant = "completed" }
        columns.channel = 4
        """
    )
    assert export.bookings("channel")[0] == ("x",)
    assert time.process_time() - began < 20


def test_tax_and_tips_beside_an_amount_are_asked_about(tmp_path: Path) -> None:
    """A card reader's export: of $506 collected $450 are the visit's, and the rest was tax and a tip."""
    header = "Date,Gross Sales,Net Sales,Tax,Tip,Total Collected,Fees,Transaction ID,Tax Rate,Customer ID"
    rows = [
        f"01/{day}/2026,$450.00,$450.00,$36.00,$20.00,$506.00,($13.00),T{day},8.0,C{day}" for day in range(13, 28)
    ]
    visits = [f"B{n},C{n},chicago,vitamin-c,2026-01-{n} 09:00,completed" for n in range(13, 28)]
    text, _ = drafted(tmp_path, visits=[VISITS, *visits], transactions=[header, *rows])
    [line] = [one for one in text.splitlines() if one.startswith("amount = ")]
    assert "DECIDE: does it hold Tax, Tip and Fees? No visit's price does" in line


def test_an_amount_with_nothing_beside_it_is_not_asked_about(tmp_path: Path) -> None:
    header = "Payment ID,Patient ID,Date,Amount,Tax ID,Tip"
    rows = [f"P{day},C{day},2026-01-{day},450.00,12-34567,0.00" for day in range(13, 28)]
    visits = [f"B{n},C{n},chicago,vitamin-c,2026-01-{n} 09:00,completed" for n in range(13, 28)]
    text, _ = drafted(tmp_path, visits=[VISITS, *visits], payments=[header, *rows])
    assert "does it hold" not in text
