"""Names of columns as other systems write them, and what they say of patients."""

from __future__ import annotations

from pathlib import Path

import pytest
from intake_clinic import Export, at, bookings
from intake_drafts import drafted, imported

from dashboard.intake.drafting import guesses
from dashboard.intake.drafting.evidence import says_who
from dashboard.intake.drafting.guesses import column_words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("apptstarttime", "appointment start time"),
        ("patientdob", "patient dob"),
        ("admittime", "admit time"),
        ("firstname", "first name"),
        ("LName", "last name"),
        ("Booking #", "booking number"),
        ("N° patient", "number patient"),
        ("Client No", "client number"),
        ("No-show", "no show"),
        ("NO_SHOW", "no show"),
        ("Age in years", "age years"),
        # Words of which no others are made stay as they are.
        ("postal", "postal"),
        ("discount", "discount"),
        ("Outcome", "outcome"),
    ],
)
def test_words_written_together_are_told_apart(name: str, words: str) -> None:
    assert column_words(name) == words


@pytest.mark.parametrize("name", ["lastname", "firstname", "patientname", "LName", "emailaddress", "Payer Name"])
def test_a_name_written_as_one_word_says_who_somebody_is(name: str) -> None:
    assert says_who(name)


def test_a_name_written_as_one_word_gets_into_no_extract_and_no_draft(tmp_path: Path) -> None:
    """An id of it is kept as a keyed hash, and its words are shown nowhere."""
    rows = [
        f"Okonkwo{n % 2},Ann,2026-01-{n + 10} 09:00,Chicago,completed,{kind}"
        for n, kind in enumerate(["Myers cocktail", "Myers cocktail", "Okonkwo0 again", "Okonkwo0 again"] * 2)
    ]
    clinic, text = imported(tmp_path, visits=["lastname,firstname,starttime,location,status,appttype", *rows])
    assert "Okonkwo" not in text
    assert clinic.ask("select count(*), count(distinct patient) from bookings") == [(4, 2)]
    assert not [row for row in clinic.ask("select booking_id from bookings") if "Okonkwo" in row[0]]


@pytest.mark.parametrize(
    ("header", "row", "columns"),
    [
        ("apptid,patientid,apptdate,apptstarttime,svcdept,patientdob",
         "1,P1,01/13/2026,09:00 AM,Chicago,12/31/1980",
         {"booking_id": "apptid", "patient_id": "patientid",
          "starts_at": {"column": ["apptdate", "apptstarttime"], "format": "%m/%d/%Y %I:%M %p"},
          "birth_date": {"column": "patientdob", "format": "%m/%d/%Y"}}),
        ("Booking #,Participant Id,Date,Patient sex,Age (years)", "1,P1,2026-01-05 09:00,F,40",
         {"booking_id": "Booking #", "patient_id": "Participant Id", "sex": "Patient sex", "age": "Age (years)"}),
        ("Booking No,Client No,admittime,Visit Location", "1,P1,2026-01-05 09:00,Chicago",
         {"booking_id": "Booking No", "patient_id": "Client No", "starts_at": "admittime"}),
    ],
)  # fmt: skip
def test_exports_with_short_names_are_drafted(
    tmp_path: Path, header: str, row: str, columns: dict[str, object]
) -> None:
    _, found = drafted(tmp_path, visits=[header, row])
    assert {name: found["bookings"]["columns"].get(name) for name in columns} == columns


def test_who_pays_has_an_address(tmp_path: Path) -> None:
    """Each payment of a money transfer names both sides."""
    _, found = drafted(
        tmp_path,
        visits=["Appointment ID,Email,Start", "1,a@clinic.test,2026-01-05 09:00", "2,b@clinic.test,2026-01-06 09:00"],
        payments=[
            "Date,Gross,From Email Address,To Email Address,Transaction ID",
            "01/13/2026,475.00,a@clinic.test,us@clinic.test,T1",
            "01/14/2026,475.00,b@clinic.test,us@clinic.test,T2",
        ],
    )
    columns = found["payments"]["columns"]
    assert (columns["patient_id"], columns["amount"]) == ("From Email Address", "Gross")


def test_who_has_an_id_is_not_told_by_a_name(tmp_path: Path) -> None:
    rows = [f"Ann Lee,A{n % 3},Ketamine with Ann,2026-01-{n + 10} 09:00" for n in range(6)]
    _, found = drafted(tmp_path, visits=["Patient,Patient Account #,Subject,Start", *rows])
    assert found["bookings"]["columns"]["patient_id"] == "Patient Account #"
    text, found = drafted(tmp_path, visits=["Subject,Start", *(row.split(",", 2)[2] for row in rows)])
    assert 'patient_id = "Subject"  # DECIDE: is it this column?' in text
    mailed = [f"{row},ann{n % 3}@clinic.test" for n, row in enumerate(rows)]
    _, found = drafted(tmp_path, visits=["Patient,Chart,Subject,Start,Email", *mailed])
    assert found["bookings"]["columns"]["patient_id"] == "Email"


def test_ids_of_which_a_spreadsheet_dropped_digits_are_asked_about(tmp_path: Path) -> None:
    """Several patients would silently become one."""
    doubt = "digits of these numbers are lost"
    row = "1,{},2026-01-05 09:00"
    for value, lost in (("2.98725E+13", True), ("5E+12", True), ("29872499824296.0", False), ("2.5E+1", False)):
        text, _ = drafted(tmp_path, visits=["id,PatientId,start", row.format(value)])
        assert (doubt in text) == lost, value


def test_an_id_made_of_a_name_in_one_word_is_kept_as_a_keyed_hash(export: Export) -> None:
    export.write("visits.csv", "id,patient,start,lastname", "V1,P1,2026-01-05 09:00,Okonkwo")
    export.publish(bookings(booking_id='{ column = ["lastname", "start"] }'))
    [(booking,)] = export.bookings("booking_id")
    assert "Okonkwo" not in booking


def test_the_only_file_holds_the_bookings_whatever_else_it_holds(tmp_path: Path) -> None:
    header = "Payment ID,Client ID,Payment Date,Amount,Visit Date"
    _, found = drafted(tmp_path, export=[header, "1,P1,2026-01-05 09:00,475.00,2026-01-04 09:00"])
    assert (found["bookings"]["file"], found["payments"]["file"]) == ("export.csv", "export.csv")


@pytest.mark.parametrize(
    ("name", "values", "settings"),
    [
        ("Billing Amount", ["18856.281305978155", "475.5"], {"decimal": ".", "times": 1}),
        ("duration", ["12.4", "30.0"], {"times": 1}),
        ("Age", ["38.9", "41.0"], {"pattern": r"^(\d+)(?:\.\d+)?$"}),
        ("Age", ["38.0", "41.0"], {"times": 1}),
        ("Age", ["38", "41"], {}),
    ],
)
def test_numbers_with_more_places_than_they_may_have_are_cut(
    tmp_path: Path, name: str, values: list[str], settings: dict[str, object]
) -> None:
    rows = [f"{n},P{n},2026-01-05 0{n}:00,{value}" for n, value in enumerate(values, start=1)]
    clinic, text = imported(tmp_path, visits=[f"id,patient,start,{name}", *rows])
    assert [*settings.items()] == [
        item
        for column in drafted(tmp_path / "export")[1]["bookings"]["columns"].values()
        if isinstance(column, dict) and column.get("column") == name
        for item in column.items()
        if item[0] != "column"
    ], text
    [numbers] = clinic.ask("select list(coalesce(price_cents, age, chair_minutes) order by booking_id) from bookings")
    assert numbers[0] in ([1885628, 47550], [12, 30], [38, 41])


@pytest.mark.parametrize("name", ["customeruuid", "Client Reference", "member_key", "Guest GUID", "Patienten-Nr."])
def test_whoever_comes_is_a_patient_and_whatever_tells_them_an_id(tmp_path: Path, name: str) -> None:
    _, found = drafted(tmp_path, visits=[f"id,{name},start", "1,a1,2026-01-05 09:00", "2,b2,2026-01-06 09:00"])
    assert found["bookings"]["columns"]["patient_id"] == name


def test_points_before_three_digits_are_thousands(tmp_path: Path) -> None:
    """No amount has three places."""
    rows = ["1,P1,2026-01-05 09:00,$475", "2,P2,2026-01-06 09:00,$1.399"]
    clinic, _ = imported(tmp_path, visits=["id,patient,start,price", *rows])
    assert clinic.ask("select price_cents from bookings order by booking_id") == [(47500,), (139900,)]


def test_a_payment_without_a_day_has_that_of_its_booking(tmp_path: Path) -> None:
    clinic, text = imported(
        tmp_path,
        visits=["appointment_id,patient_id,appointment_date", "1,P1,01/25/2026 09:00", "2,P2,01/26/2026 10:00"],
        billing=["bill_id,appointment_id,paid_amount,payment_method", "1,1,475,Cash", "2,2,115,Card"],
    )
    assert clinic.ask("select paid_at, amount_cents from payments order by all") == [
        (at(2026, 1, 25, 9), 47500), (at(2026, 1, 26, 10), 11500),
    ], text  # fmt: skip
    assert "DECIDE: it has no day of its own" in text


def test_side_effects_without_a_day_find_the_only_booking_of_their_patient(tmp_path: Path) -> None:
    log = ["PatientID,AdverseEvent,Severity", "PT-1,Headache,Mild", "PT-3,Nausea,Moderate"]
    visits = ["VisitID,PatientID,VisitDate", *(f"V{n},PT-{n},2026-01-0{n} 09:00" for n in (1, 2, 3))]
    clinic, text = imported(tmp_path, visits=visits, adverse_events=log)
    assert clinic.ask("select booking_id, effect from side_effects order by all") == [
        ("V1", "headache"),
        ("V3", "nausea"),
    ]
    assert "by patient, of whom each has one booking" in text
    _, found = drafted(tmp_path / "export", visits=[*visits, "V4,PT-1,2026-02-01 09:00"])
    assert "joins" not in found


def test_a_file_without_visits_is_no_file_of_bookings(tmp_path: Path) -> None:
    text, _ = drafted(tmp_path, adverse_events=["Subject,AEDECOD,AESEV", "S1,Nausea,Mild", "S2,Headache,Mild"])
    assert "DECIDE: no file looks like bookings" in text


def test_a_booking_that_is_a_patient_is_looked_up_nowhere(tmp_path: Path) -> None:
    dm = ["USUBJID,SITEID,RFSTDTC", "S1,01,2026-01-05", "S2,02,2026-01-06"]
    _, found = drafted(tmp_path, dm=dm, ae=["USUBJID,AESEQ,AEDECOD", "S1,1,Nausea", "S2,1,Headache"])
    assert found["side_effects"]["columns"]["booking_id"] == "USUBJID"


def test_side_effects_find_a_booking_that_has_no_id(tmp_path: Path) -> None:
    """The booking is told by patient, day and time, of which the log knows the first two."""
    visits = ["Participant Id,visit_date,visit_time", *(f"P{n % 3},{n + 10}-01-2026,09:0{n}" for n in range(9))]
    log = ["Participant Id,ae_start,ae_term,ae_grade", "P1,11-01-2026,Nausea,1", "P2,15-01-2026,Headache,2"]
    clinic, text = imported(tmp_path, visits=visits, adverse_events=log)
    found = "side_effects join bookings using (booking_id) order by effect::varchar"
    assert clinic.ask(f"select effect, strftime(bookings.starts_at, '%d %H:%M') from {found}") == [
        ("headache", "15 09:05"), ("nausea", "11 09:01"),
    ], text  # fmt: skip
    assert not [row for row in clinic.ask("select booking_id from side_effects") if "P1" in row[0]]


def test_thousands_of_columns_are_each_looked_at_once(tmp_path, monkeypatch):
    """What their names may mean is asked for every column of the contract and again for each guess."""
    names = [f"extra {number} {kind}" for number in range(400) for kind in ("date", "score", "code")]
    head = ["Appointment ID", "Client ID", "Location", "Service", "Status", "Start", *names]
    row = ["1", "P1", "Chicago", "Myers cocktail", "Completed", "2026-01-05 09:00", *("1" for _ in names)]
    asked, fit = [], guesses._fit

    def counted(*given):
        asked.append(given[0])
        return fit(*given)

    monkeypatch.setattr(guesses, "_fit", counted)
    guesses._best.cache_clear()
    drafted(tmp_path, visits=[",".join(head), ",".join(row)])
    assert 0 < len(asked) < 200 * len(head)


def test_columns_that_an_organization_added_to_salesforce(tmp_path: Path) -> None:
    head = "Id,Name,Patient__c,Clinic__c,Service__c,Start__c,End__c,Status__c,Fee__c"
    row = "a0X1EAG,APT-1,0035aAAB,Chicago,Myers cocktail,2026-01-05T15:00:00.000+0000,2026-01-05T16:00:00.000+0000"
    clinic, text = imported(tmp_path, Appointment__c=[head, f"{row},Completed,475.0"])
    assert clinic.ask("select booking_id, starts_at, ends_at, price_cents from bookings") == [
        ("a0X1EAG", at(2026, 1, 5, 9), at(2026, 1, 5, 10), 47500),
    ], text  # fmt: skip
    assert "DECIDE: is it this column?" not in text


def test_ids_that_a_program_took_for_numbers(tmp_path: Path) -> None:
    """Where some are empty pandas writes 17.0, which in other files is 17."""
    head = "appointment_id,patient_id,clinic,service,start_time,status"
    rows = ["100.0,17.0,Chicago,Myers cocktail,2026-01-05 09:00,Completed"]
    rows.append(rows[0].replace("100", "101").replace("17.0", ""))
    payments = ["payment_id,patient_id,appointment_id,amount,payment_date", "M1,17,100,475.00,2026-01-05"]
    clinic, text = imported(tmp_path, appointments=[head, *rows], payments=payments)
    assert clinic.ask("select booking_id from bookings") == [("100",)], text
    assert clinic.ask("select booking_id, site from payments") == [("100", "chicago")]


def test_the_common_data_model_of_omop(tmp_path: Path) -> None:
    head = "visit_occurrence_id,person_id,visit_start_date,visit_start_datetime,visit_end_date,visit_end_datetime"
    row = "7,5001,2026-01-05,2026-01-05 09:15:00,2026-01-05,2026-01-05 10:15:00"
    _, found = drafted(tmp_path, visit_occurrence=[head, row])
    columns = found["bookings"]["columns"]
    assert (columns["booking_id"], columns["starts_at"]) == ("visit_occurrence_id", "visit_start_datetime")


def test_a_point_is_how_sas_writes_nothing(tmp_path: Path) -> None:
    head = "SUBJID,VISITID,SITE,TRT,VISDTM,ENDDTM,BRTHDT,STATUS,COST"
    row = "07,1,Chicago,Myers cocktail,05JAN2026:09:00:00,.,04JAN1980,COMPLETED,."
    rows = [row, row.replace("07,1", "07,2").replace("00,.", "00,05JAN2026:10:00:00").replace("TED,.", "TED,179")]
    clinic, text = imported(tmp_path, visits=[head, *rows])
    assert clinic.ask("select starts_at, ends_at, age, price_cents from bookings order by booking_id") == [
        (at(2026, 1, 5, 9), None, 46, None), (at(2026, 1, 5, 9), at(2026, 1, 5, 10), 46, 17900),
    ], text  # fmt: skip
