"""A mapping is drafted from what other systems export: what is found, what is left to a person, what is never shown."""

from __future__ import annotations

import csv
import io
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from intake_clinic import Clinic
from intake_drafts import drafted

from dashboard.cli import main
from dashboard.intake.draft import draft_mapping
from dashboard.intake.guesses import guess_columns, guess_reference
from dashboard.intake.reference import load_reference

EXPORTS = {
    "no-shows": (
        {"appointments-2016.csv": "PatientId,AppointmentID,Gender,ScheduledDay,AppointmentDay,Age,No-show,Clinic\n"
         "1,2,F,2016-04-29T18:38:08Z,2016-04-29T00:00:00Z,62,No,Chicago\n"},
        (),
    ),
    "semicolons and euros": (
        {"visits.csv": "Visit ID;MRN;Clinic;Visit Date;Status;Fee;DOB;Service\n"
         "1;2;Dallas;25.01.2026 09:00;Done;1.234,50 €;31.12.1980;Myers cocktail\n"},
        (),
    ),
    "encounters with patients": (
        {"encounters.csv": "Id,START,STOP,PATIENT,TOTAL_CLAIM_COST\ne1,2020-01-02T09:26:36Z,2020-01-02T10:26:36Z,p1,129.16\n",
         "patients.csv": "Id,BIRTHDATE,SSN,GENDER\np1,1980-02-03,999,F\n"},
        (),
    ),
    "a scheduler's list, by e-mail": (
        {"schedule2026-01.csv": '"Start Time","End Time","First Name","Last Name","Phone","Email","Type","Calendar",'
         '"Appointment Price","Paid?","Notes","Date Scheduled","Label","Appointment ID"\n'
         '"January 5, 2026 9:00 am","January 5, 2026 10:30 am","Ann","Lee","5550100","ann@clinic.test",'
         '"IV Ketamine Infusion - Induction","Chicago","475.00","yes","","December 20, 2025","Completed","17"\n'
         '"January 6, 2026 1:30 pm","January 6, 2026 2:00 pm","Bob","Ray","5550101","bob@clinic.test",'
         '"Myers Cocktail","Frisco","185.00","no","","January 2, 2026","No Show","18"\n'},
        (),
    ),
    "days and times apart, no id of a visit": (
        {"Appointments.csv": "Date,Time,Client ID,Client,Appointment Type,Staff,Location,Status,Duration\n"
         '1/13/2026,9:00 AM,100123,"Lee, Ann",Hydration Drip,RN Z,Dallas,Completed,45\n'
         '1/13/2026,1:30 PM,100123,"Lee, Ann",Ketamine Induction,Dr. X,Miami,Late Cancelled,60\n'},
        (),
    ),
    "a hospital's abbreviations": (
        {"appts.txt": "PAT_ENC_CSN_ID|PAT_ID|DEPARTMENT_NAME|PRC_NAME|APPT_DTTM|APPT_LENGTH|APPT_STATUS_NAME|"
         "APPT_MADE_DTTM|APPT_CANC_DTTM|AGE\n"
         "500100201|Z1235|FRISCO INFUSION|VITAMIN C IV|06-JAN-26 09:00:00|30|Canceled|20-DEC-25 10:00:00|"
         "05-JAN-26 18:00:00|15\n"},
        (),
    ),
    "a file without a word for its bookings": (
        {"export.txt": "Nr\tMRN\tWhen\tStatus\nA1\tP1\t2026-01-05 09:00\tkept\n"},
        (('booking_id = { row_number = "" }', 'booking_id = "Nr"'), ('# starts_at = ""', 'starts_at = "When"')),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EXPORTS)
def test_a_draft_is_imported_once_its_decisions_are_made(tmp_path: Path, name: str) -> None:
    files, decisions = EXPORTS[name]
    folder, mapping = tmp_path / "export", tmp_path / "m.toml"
    folder.mkdir()
    for file, content in files.items():
        (folder / file).write_text(content, encoding="utf-8")
    drafted = CliRunner().invoke(main, ["mapping", "draft", str(folder), "-o", str(mapping)])
    assert (drafted.exit_code, "DECIDE" in drafted.output) == (0, True)
    text = mapping.read_text(encoding="utf-8")
    assert "# guess" in text
    for old, new in decisions:
        assert old in text
        text = re.sub(f"^{re.escape(old)}", new, text, flags=re.MULTILINE)
    mapping.write_text(text, encoding="utf-8")
    done = CliRunner().invoke(
        main, ["import", str(folder), "--mapping", str(mapping), "--data", str(tmp_path / "data"), "--dry-run"]
    )
    assert done.exit_code == 0, done.output
    [total] = [line.split() for line in done.output.splitlines() if line.startswith("total")]
    rows = str(len(next(iter(files.values())).splitlines()) - 1)
    assert total[1:] == [rows, rows, "0"]
    again = CliRunner().invoke(main, ["mapping", "draft", str(folder), "-o", str(mapping)])
    assert (again.exit_code, "cannot be written" in again.output) == (1, True)


def test_a_draft_is_toml_whatever_the_columns_are_called(tmp_path: Path) -> None:
    names = ['"two\nlines"', "verti\x0bcal", "end\x1a", "de\x7fl", "nu\0l", "AppointmentID"]
    (tmp_path / "visits.csv").write_text(f"{','.join(names)}\n{'1,' * 5}2\n", encoding="utf-8", newline="")
    (tmp_path / "other.csv").write_text("x\0y,z\x1b\n1,2\n", encoding="utf-8")
    drafted = tomllib.loads(draft_mapping(tmp_path, load_reference()))
    assert drafted["bookings"]["columns"]["booking_id"] == "AppointmentID"


def test_a_draft_names_no_patient(tmp_path: Path) -> None:
    target = io.StringIO()
    csv.writer(target).writerows([["Visit", "MRN", "DOB", "Start"], ["1", "SECRET-1", "1-SECRET", "SECRET-2"]])
    (tmp_path / "visits.csv").write_text(target.getvalue(), encoding="utf-8")
    assert "SECRET" not in draft_mapping(tmp_path, load_reference())


def test_what_a_draft_takes_for_what(tmp_path: Path) -> None:
    """By names, by values where no name tells, and by several columns where one doesn't do."""
    found = {}
    for name in (
        "a scheduler's list, by e-mail",
        "days and times apart, no id of a visit",
        "a hospital's abbreviations",
    ):
        folder = tmp_path / re.sub(r"\W", "", name)
        folder.mkdir()
        for file, content in EXPORTS[name][0].items():
            (folder / file).write_text(content, encoding="utf-8")
        text = draft_mapping(folder, load_reference())
        assert not re.search("Lee|Ray|ann@|555010|Bob", text)
        found[name[:6]] = tomllib.loads(text)["bookings"]["columns"]
    scheduler, apart, hospital = found.values()
    assert scheduler["patient_id"] == "Email"
    assert scheduler["site"] == {"column": "Calendar", "values": {"Chicago": "chicago", "Frisco": "dallas"}}
    assert scheduler["service"]["values"]["IV Ketamine Infusion - Induction"] == "ketamine-infusion"
    assert scheduler["status"] == {"column": "Label", "values": {"Completed": "completed", "No Show": "no_show"}}
    assert scheduler["starts_at"] == {"column": "Start Time", "format": "%B %d, %Y %I:%M %p"}
    assert apart["booking_id"] == {"column": ["Client ID", "Date", "Time"]}
    assert apart["starts_at"] == {"column": ["Date", "Time"], "format": "%m/%d/%Y %I:%M %p"}
    assert apart["service"]["values"] == {
        "Hydration Drip": "hydration-basic",
        "Ketamine Induction": "ketamine-infusion",
    }
    assert apart["site"]["values"] == {"Dallas": "dallas", "Miami": "miami_beach"}
    assert (hospital["booking_id"], hospital["patient_id"]) == ("PAT_ENC_CSN_ID", "PAT_ID")
    assert hospital["cancelled_at"] == {"column": "APPT_CANC_DTTM", "format": "%d-%b-%y %H:%M:%S"}
    assert hospital["chair_minutes"] == "APPT_LENGTH"


def test_a_log_of_side_effects_finds_its_bookings_by_patient_and_day(tmp_path: Path) -> None:
    """As drafted; of two visits of a patient on one day it can't tell which was meant."""
    folder, mapping = tmp_path / "export", tmp_path / "m.toml"
    folder.mkdir()
    visits = [
        f"{number},P{number % 7},{day:02d}/02/2026,{hour}:00,Chicago,Myers cocktail,Completed,10001"
        for number, (day, hour) in enumerate(((day, hour) for day in range(1, 27) for hour in (9, 14)), start=1)
    ]
    visits.append("99,P1,01/02/2026,16:00,Chicago,Myers cocktail,Completed,10001")
    header = "Appointment ID,Client ID,Date,Time,Location,Service,Status,Branch"
    (folder / "appointments.csv").write_text("\n".join([header, *visits, ""]), encoding="utf-8")
    log = [
        "P2,01/02/2026,10001,Nausea,Mild",
        "P3,02/02/2026,10001,Headache,Severe",
        "P1,01/02/2026,10001,Nausea,Mild",
        "P2,09/09/2026,10001,Nausea,Mild",
    ]
    head = "Client ID,Visit date,Branch,Symptom,Severity"
    (folder / "adverse events.csv").write_text("\n".join([head, *log, ""]), encoding="utf-8")
    text = draft_mapping(folder, load_reference())
    drafted = tomllib.loads(text)
    assert drafted["joins"]["visits"] == {
        "file": "appointments.csv", "delimiter": ",", "key": ["Client ID", "Visit date"], "other_key": ["Client ID", "Date"],
        "doubled": "empty",
    }  # fmt: skip
    assert drafted["side_effects"]["columns"]["booking_id"] == {"join": "visits", "column": "Appointment ID"}
    mapping.write_text(text, encoding="utf-8")
    clinic = Clinic(tmp_path)
    clinic.delivery = folder
    clinic.publish(mapping=mapping)
    assert clinic.ask("select booking_id, effect from side_effects order by all") == [
        ("2", "nausea"),
        ("3", "headache"),
    ]
    lines = clinic.ask("select line from rejects where file = 'adverse events.csv' order by line")
    assert lines == [(4,), (5,)]

    def joins() -> Any:
        return tomllib.loads(draft_mapping(folder, load_reference())).get("joins")

    few = [log[0], *(line.replace("02/2026", "03/2027") for line in log[1:])]
    (folder / "adverse events.csv").write_text("\n".join([head, *few, ""]), encoding="utf-8")
    assert joins() is None
    (folder / "adverse events.csv").write_text("\n".join([head, *log, ""]), encoding="utf-8")
    assert joins() is not None
    unnumbered = [header.replace("Appointment ID", "Appointment type"), *visits, ""]
    (folder / "appointments.csv").write_text("\n".join(unnumbered), encoding="utf-8")
    # Without a number a booking is told by who comes when.
    columns = tomllib.loads(draft_mapping(folder, load_reference()))["side_effects"]["columns"]
    assert columns["booking_id"]["column"] == ["Client ID", "Date", "Time"]
    (folder / "appointments.csv").write_text("\n".join([header, *visits, ""]), encoding="utf-8")
    numbered = [f"Appointment ID,{head}", *(f"{number},{line}" for number, line in enumerate(log, start=1)), ""]
    (folder / "adverse events.csv").write_text("\n".join(numbered), encoding="utf-8")
    assert joins() is None
    once = [line for line in visits if "/02/2026,9:00" in line][:7]
    (folder / "appointments.csv").write_text("\n".join([header, *once, ""]), encoding="utf-8")
    seen = [f"{row.split(',')[1]},{row.split(',')[2]},10001,Nausea,Mild" for row in once]
    (folder / "adverse events.csv").write_text("\n".join([head, *seen, ""]), encoding="utf-8")
    assert joins()["visits"]["key"] == ["Client ID", "Visit date"]


def test_of_two_bookings_a_day_a_log_finds_that_which_took_place(tmp_path: Path) -> None:
    header = "Appointment ID,Client ID,Date,Time,Location,Service,Status"
    visits = [
        f"{number},P{number % 4},{number // 4 + 1:02d}/02/2026,9:00,Chicago,Myers cocktail,Completed"
        for number in range(20)
    ]
    log = [
        "Client ID,Visit date,Symptom",
        *(f"P{number % 4},{number // 4 + 1:02d}/02/2026,Nausea" for number in (2, 7, 9)),
    ]

    def joined(*more: str) -> dict[str, Any]:
        _, found = drafted(tmp_path, appointments=[header, *visits, *more], adverse=log)
        join: dict[str, Any] = found["joins"]["visits"]
        return join

    again = "P2,01/02/2026,15:00,Chicago,Myers cocktail"
    assert joined(f"98,{again},CANCELLED", f"99,{again},no show")["except"] == {
        "column": "Status", "values": ["CANCELLED", "no show"],
    }  # fmt: skip
    # Nothing is left out where nobody has two, where both took place, or where a status is missing.
    assert "except" not in joined(f"98,{again},cancelled", "99,P9,01/02/2026,15:00,Chicago,Myers cocktail,")
    assert "except" not in joined("98,P9,01/02/2026,15:00,Chicago,Myers cocktail,cancelled")
    assert "except" not in joined(f"98,{again},completed", "99,P9,01/02/2026,15:00,Chicago,Myers cocktail,cancelled")


def test_ids_that_stand_in_several_rows_number_nothing(tmp_path: Path) -> None:
    """The layout of the public reports of adverse events: a reaction has no number of its own."""
    (tmp_path / "DEMO24Q1.txt").write_text(
        "primaryid$caseid$event_dt$age$sex\n11$1$20240304$38$F\n21$2$20240305$44$M\n"
    )
    (tmp_path / "REAC24Q1.txt").write_text("primaryid$caseid$pt\n11$1$Nausea\n11$1$Dizziness\n21$2$Confusion\n")
    drafted = tomllib.loads(draft_mapping(tmp_path, load_reference()))
    assert drafted["bookings"]["columns"]["booking_id"] == "primaryid"
    assert drafted["bookings"]["columns"]["patient_id"] == "caseid"
    assert drafted["bookings"]["columns"]["starts_at"] == {"column": "event_dt", "format": "%Y%m%d"}
    columns = drafted["side_effects"]["columns"]
    assert (columns["event_id"], columns["booking_id"], columns["effect"]) == ({"row_number": ""}, "primaryid", "pt")


def test_what_somebody_wrote_gets_into_no_draft(tmp_path: Path) -> None:
    """A column whose name tells nothing is taken by its values only where all are words of the contract."""
    rows = ["1,P1,completed,Chicago", "2,P2,no show,Frisco", "3,P3,Ann Lee called,Chicago"]
    (tmp_path / "visits.csv").write_text("\n".join(["Appointment ID,Client ID,Remarks,Calendar", *rows, ""]))
    text = draft_mapping(tmp_path, load_reference())
    assert "Ann" not in text
    columns = tomllib.loads(text)["bookings"]["columns"]
    assert (columns["status"], columns["site"]["column"]) == ({"constant": "completed"}, "Calendar")


def test_a_word_that_fits_several_is_left_to_a_person(tmp_path: Path) -> None:
    (tmp_path / "visits.csv").write_text("Appointment ID,Service\n1,Ketamine IV\n2,Vitamin C IV\n", encoding="utf-8")
    drafted = tomllib.loads(draft_mapping(tmp_path, load_reference()))
    assert drafted["bookings"]["columns"]["service"]["values"] == {"Vitamin C IV": "vitamin-c"}


def test_a_column_without_a_name_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "visits.csv").write_text("Appointment ID,Client ID,Date\n1,P1,2026-01-05\n2,P2,2026-01-06\n")
    (tmp_path / "people.csv").write_text(",DOB\nP1,1980-01-01\nP2,1990-01-01\n")
    assert "joins" not in tomllib.loads(draft_mapping(tmp_path, load_reference()))
    (tmp_path / "people.csv").write_text("Number,DOB\nP1,1980-01-01\nP2,1990-01-01\n")
    assert tomllib.loads(draft_mapping(tmp_path, load_reference()))["joins"]["patients"]["other_key"] == "Number"


SERVICES = {service.service: (service.name,) for service in load_reference().services}


@pytest.mark.parametrize(
    ("value", "service"),
    [
        ("IV Ketamine Infusion - Induction", "ketamine-infusion"),
        ("Follow-up ketamine booster session", "ketamine-booster"),
        ("Vitamin C drip, 25 g", "vitamin-c"),
        ("NAD+ 500mg", "vitamin-nad"),
        # Of two services, or of a word that stands beside anything.
        ("Ketamine IV", None),
        ("Room C follow-up", None),
        ("High risk review", None),
        ("Basic consult", None),
        ("Recovery check after surgery", None),
        # A sentence in which a word of theirs stands.
        ("Ann is afraid of ketamine infusion induction since her overdose", None),
        ("mother says myers helped a lot", None),
    ],
)
def test_half_of_the_words_of_a_value_are_those_of_the_service(value: str, service: str | None) -> None:
    assert guess_reference(value, SERVICES) == service


@pytest.mark.parametrize("name", ["description", "Location", "Outcome", "Treatment", "clinic_notes", "Remarks"])
def test_what_hardly_repeats_is_shown_in_no_draft(tmp_path: Path, name: str) -> None:
    """Whatever its column is called, it may be what somebody wrote of a patient."""
    remarks = [
        "Ann B. crying after divorce",
        "Ben C. HIV positive",
        "wants myers again",
        "Dallas PD called",
        "ok",
    ] * 2
    rows = [f"{n},P{n},2026-01-{n + 10} 09:00,completed,{remark} {n}" for n, remark in enumerate(remarks)]
    text, found = drafted(tmp_path, visits=[f"id,patient,start,status,{name}", *rows])
    assert not re.search("crying|HIV|wants|PD|ok 4", text)
    assert found["bookings"]["columns"]["status"] == "status"


def test_values_of_patients_are_shown_in_no_draft(tmp_path: Path) -> None:
    """In some rows of a public export the type of the appointment is the patient's name."""
    rows = [f"{n},Marisol Okonkwo,2026-01-{n + 10} 09:00,Marisol Okonkwo,completed" for n in range(4)]
    rows += [f"{n},Dewey Brand,2026-01-{n + 10} 09:00,Myers cocktail,completed" for n in range(4, 9)]
    rows += [f"{n},Dewey Brand,2026-01-{n + 10} 09:00,Mr Brand's usual,completed" for n in range(9, 12)]
    text, found = drafted(tmp_path, visits=["id,Patient,Date/Time,Appointment Type,Status", *rows])
    assert not re.search("Marisol|Dewey|Brand", text)
    assert found["bookings"]["columns"]["service"]["values"] == {"Myers cocktail": "vitamin-myers"}
    assert "DECIDE: 2 more, not shown" in text


def test_a_first_line_of_data_is_no_header(tmp_path: Path) -> None:
    rows = ["1;20190220;08:00;58000000398;Damian Medyczny;Katar i kaszel", "2;20190220;08:30;79000000937;D M;Alergia"]
    text, found = drafted(tmp_path, wizyty=rows)
    assert not re.search("Katar|Damian|58000000398|20190220", text)
    assert found["bookings"]["header"] is False
    assert found["bookings"]["columns"]["starts_at"] == {"column": [2, 3], "format": "%Y%m%d %H:%M"}
    assert "4 (00000000000)" in text


@pytest.mark.parametrize("header", ["0,1,2,3,4", "1,2,3,4,5", "PHQ9,2nd visit,id,start,status"])
def test_names_with_numbers_are_names(tmp_path: Path, header: str) -> None:
    _, found = drafted(tmp_path, visits=[header, "A1,P1,X,2026-01-05 09:00,completed"])
    assert "header" not in found["bookings"]


def test_a_first_line_taken_for_names_is_not_shown(tmp_path: Path) -> None:
    clinic = Clinic(tmp_path)
    rows = ["1,2019-02-20 08:00,58000000398,Ann Lee,divorced", "2,2019-02-20 08:30,79000000937,Ben Cho,HIV"]
    clinic.write("visits.csv", *rows)
    columns = (
        'patient_id = 3\nstarts_at = 2\nsite = { constant = "dallas" }\nservice = { constant = "vitamin-c" }\n'
        'status = { constant = "completed" }\n'
    )
    mapping = tmp_path / "m.toml"

    def imported(first: str, layout: str = "") -> str:
        mapping.write_text(
            f'[bookings]\nfile = "visits.csv"\n{layout}[bookings.columns]\nbooking_id = {first}\n{columns}'
        )
        options = [
            "--mapping",
            str(mapping),
            "--data",
            str(clinic.data),
            "--dry-run",
            "--report",
            str(tmp_path / "r"),
        ]
        done = CliRunner().invoke(main, ["import", str(clinic.delivery), *options])
        return done.output + (tmp_path / "r").read_text()

    for said in (imported("1"), imported('"Visit"')):
        assert "its first line looks like data" in said
        assert not re.search("Lee|divorced|58000000398", said)
    assert "looks like data" not in imported("1", "header = false\n")


@pytest.mark.parametrize(
    ("header", "row", "start"),
    [
        # A day beside a column of moments, of times, of times under a name of its own.
        ("appointment_date,scheduled_time,visit_end_time", "2025-01-17,2025-01-17 10:30:00,2025-01-17 11:54:00",
         "scheduled_time"),
        ("date,time_slot", "2025-01-17,9:00AM", {"column": ["date", "time_slot"], "format": "%Y-%m-%d %I:%M%p"}),
        ('Appt Date,"Start Time, Sortable"', "1/15/2026,09:00",
         {"column": ["Appt Date", "Start Time, Sortable"], "format": "%m/%d/%Y %H:%M"}),
        ("start_date,start_time,created_time", "2025-01-17,10:00,09:00", {"column": ["start_date", "start_time"]}),
        # Not when it was booked, ended or paid.
        ("appointment_datetime,booked_date", "2024-01-01 09:00:00,2023-12-18", "appointment_datetime"),
        ("Date of Service,Date Paid", "2024-01-01 09:00,2024-01-02", "Date of Service"),
        ("fecha,hora", "17/01/2025,10:30", {"column": ["fecha", "hora"], "format": "%d/%m/%Y %H:%M"}),
        ("Datum,Uhrzeit", "17.01.2025,10:30", {"column": ["Datum", "Uhrzeit"], "format": "%d.%m.%Y %H:%M"}),
    ],
)  # fmt: skip
def test_a_visit_starts_at_its_day_and_time(tmp_path: Path, header: str, row: str, start: object) -> None:
    _, found = drafted(tmp_path, visits=[f"id,patient_id,{header}", f"1,2,{row}"])
    assert found["bookings"]["columns"]["starts_at"] == start


def test_a_start_and_its_end_in_one_column_are_taken_apart(tmp_path: Path) -> None:
    clinic = Clinic(tmp_path)
    clinic.delivery, mapping = tmp_path / "export", tmp_path / "m.toml"
    clinic.delivery.mkdir()
    rows = [
        "1,2,17.01.2026,09:00-10:30,Chicago,Myers cocktail,done",
        "2,3,18.01.2026,13:15 - 14:00,Dallas,NAD+ infusion,done",
    ]
    text, _ = drafted(clinic.delivery, termine=["id,patient,Datum,Uhrzeit,Standort,Leistung,Status", *rows])
    mapping.write_text(text)
    clinic.publish(mapping=mapping)
    assert clinic.ask("select strftime(starts_at, '%d %H:%M'), strftime(ends_at, '%d %H:%M') from bookings") == [
        ("17 09:00", "17 10:30"),
        ("18 13:15", "18 14:00"),
    ]


def test_a_refund_is_told_by_its_sign(tmp_path: Path) -> None:
    clinic = Clinic(tmp_path)
    mapping = tmp_path / "m.toml"
    clinic.delivery = tmp_path / "export"
    clinic.delivery.mkdir()
    text, _ = drafted(
        clinic.delivery,
        visits=["id,patient,start,site,service,status", "1,P,2026-01-05 09:00,Chicago,Myers cocktail,done"],
        sales=[
            "Payment ID,Patient,Date,Amount",
            "1,P,2026-01-05,$450.00",
            "2,P,2026-01-06,-$50.00",
            "3,P,2026-01-07,($7.50)",
        ],
    )
    mapping.write_text(text)
    clinic.publish(mapping=mapping)
    assert clinic.ask("select kind, amount_cents from payments order by payment_id") == [
        ("payment", 45000), ("refund", 5000), ("refund", 750),
    ]  # fmt: skip


def test_a_start_without_its_time_is_left_to_a_person(tmp_path: Path) -> None:
    rows = ["1,2,2025-01-17,10:30", "2,2,2025-01-18,"]
    text, _ = drafted(tmp_path, visits=["id,patient_id,visit_date,arrival", *rows])
    assert "DECIDE: it has no time of day; is that in arrival?" in text
    text, _ = drafted(tmp_path, visits=["id,patient_id,visit_date,arrival", rows[0]])
    assert "DECIDE: it has no time of day; is that in arrival?" in text


def test_several_ways_to_write_a_time_are_several_formats(tmp_path: Path) -> None:
    rows = [f"{n},P,2025-10-{n:02d} 01:15:00" for n in range(1, 19)] + [
        "20,P,12/25/2025 08:00",
        "21,P,12/26/2025 08:00",
    ]
    _, found = drafted(tmp_path, visits=["id,patient,start", *rows])
    assert found["bookings"]["columns"]["starts_at"]["format"] == ["%Y-%m-%d %H:%M:%S", "%m/%d/%Y %H:%M"]


def test_a_name_that_its_values_belie_is_no_guess(tmp_path: Path) -> None:
    header = "id,patient,start,Price Point Name,no_charge,Duration,created_by_staff_id,Card Method,Location,Facility"
    rows = ["1,P,2026-01-05 09:00,Regular,false,1h 30min,1,,Room 1,Chicago"]
    rows.append("2,P,2026-01-06 09:00,Regular,true,45min,2,,Room 2,Dallas")
    _, found = drafted(tmp_path, visits=[header, *rows])
    columns = found["bookings"]["columns"]
    assert columns.keys() == {"booking_id", "patient_id", "site", "service", "starts_at", "status"}
    assert columns["site"] == "Facility"


@pytest.mark.parametrize(
    ("header", "row", "patient"),
    [
        ("patient_name,date", "Ann Lee,2026-01-05", "patient_name"),
        ("patient_name,patient_phone,date", "Ann Lee,5550100,2026-01-05", ["patient_name", "patient_phone"]),
        ("patient_email,date", "ann@clinic.test,2026-01-05", "patient_email"),
        ("Invitee Email,Invitee Name,date", "ann@clinic.test,Ann,2026-01-05", "Invitee Email"),
    ],
)
def test_who_has_no_id_is_told_by_what_else_there_is(tmp_path: Path, header: str, row: str, patient: object) -> None:
    text, found = drafted(tmp_path, visits=[f"id,{header}", f"1,{row}"])
    named = found["bookings"]["columns"]["patient_id"]
    assert (named["column"] if isinstance(named, dict) else named) == patient
    assert "only a keyed hash of it is kept. DECIDE" in text


def test_bookings_and_payments_tell_patients_by_the_same_column(tmp_path: Path) -> None:
    people = [("Ann Lee", "a@clinic.test"), ("Ben Cho", "b@clinic.test"), ("Cy Dow", "c@clinic.test")]
    visits = [f"{n},{name},{email},2026-01-0{n} 09:00" for n, (name, email) in enumerate(people, start=1)]
    paid = [f"{n},{name},2026-01-0{n},10.00" for n, (name, _) in enumerate(people, start=1)]
    _, found = drafted(
        tmp_path,
        appointments=["id,Customer Name,Email,start", *visits],
        transactions=["Transaction ID,Name,Date,Amount", *paid],
    )
    assert found["bookings"]["columns"]["patient_id"] == "Customer Name"
    assert found["payments"]["columns"]["patient_id"] == "Name"


def test_a_payment_that_names_its_booking_has_its_patient(tmp_path: Path) -> None:
    visits = [f"{n},P{n},2026-01-0{n} 09:00,Chicago,Myers cocktail,completed" for n in range(1, 5)]
    paid = [f"{n},{n},2026-01-0{n},10.00" for n in range(1, 5)]
    clinic = Clinic(tmp_path)
    clinic.delivery = tmp_path / "export"
    clinic.delivery.mkdir()
    text, found = drafted(
        clinic.delivery,
        citas=["id,paciente_id,fecha,clinica,servicio,estado", *visits],
        pagos=["id,cita_id,fecha_pago,monto", *paid],
    )
    join: dict[str, Any] = {"file": "citas.csv", "key": "cita_id", "other_key": "id"}
    assert found["payments"]["columns"]["patient_id"] == {"join": join, "column": "paciente_id"}
    mapping = tmp_path / "m.toml"
    mapping.write_text(text)
    clinic.publish(mapping=mapping)
    same = "select count(*) from payments inner join bookings using (booking_id, patient)"
    assert clinic.one(same) == 4
    # Also of several files.
    _, found = drafted(
        clinic.delivery, turnos=["id,paciente_id,fecha,clinica,servicio,estado", "9,P9,2026-01-09,Dallas,x,y"]
    )
    join["file"] = ["citas.csv", "turnos.csv"]
    assert found["payments"]["columns"]["patient_id"]["join"] == join


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("id_cita;id_paciente;fecha;hora;sede;servicio;estado", "1;2;17/01/2026;10:30;Chicago;Myers cocktail;realizada"),
        ("ID;Paciente;Data do Agendamento;Unidade;Serviço;Situação", "1;2;17/01/2026 10:30;Dallas;NAD+ infusion;Faltou"),
        ("Terminnummer;Patient;Datum;Uhrzeit;Standort;Leistung;Status",
         "1;2;17.01.2026;10:30;Chicago;Myers cocktail;Abgeschlossen"),
        ("No RDV;Patient;Date du rendez-vous;Heure;Site;Prestation;Statut",
         "1;2;17/01/2026;10:30;Miami Beach;Hydration drip;Honoré"),
    ],
)  # fmt: skip
def test_exports_in_other_languages_are_drafted(tmp_path: Path, header: str, row: str) -> None:
    folder, mapping = tmp_path / "export", tmp_path / "m.toml"
    folder.mkdir()
    text, found = drafted(folder, export=[header, row])
    columns = found["bookings"]["columns"]
    assert {"site", "service", "starts_at", "status", "patient_id"} <= columns.keys()
    assert not any("constant" in str(one) for one in columns.values())
    mapping.write_text(re.sub('(?m)^# booking_id = ""', "booking_id = 1", text))
    done = CliRunner().invoke(
        main, ["import", str(folder), "--mapping", str(mapping), "--data", str(tmp_path), "--dry-run"]
    )
    assert re.search(r"total +1 +1 +0", done.output), done.output


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("show_up_status", {"true": "completed", "false": "no_show"}),
        ("no_show", {"true": "no_show", "false": "completed"}),
    ],
)
def test_what_yes_means_stands_in_the_name(tmp_path: Path, name: str, values: dict[str, str]) -> None:
    rows = ["1,P,2026-01-05,true,", "2,P,2026-01-06,false,true"]
    text, found = drafted(tmp_path, visits=[f"id,patient,start,{name},Canceled", *rows])
    assert found["bookings"]["columns"]["status"] == {"column": name, "values": values}
    assert "DECIDE: what was cancelled stands in Canceled" in text


def test_sentences_are_shown_in_no_draft_however_often_they_come(tmp_path: Path) -> None:
    rows = [f"{n},P{n},2026-01-{n + 10},went home with husband call him at home" for n in range(9)]
    text, _ = drafted(tmp_path, visits=["id,patient,start,Visit status", *rows])
    assert "husband" not in text


def test_by_what_it_holds_a_column_is_taken_that_is_filled_in(tmp_path: Path) -> None:
    """And before another of which the names are but parts."""
    rows = [f"{n},P{n},2026-01-{n + 10},{'dallas' if n == 3 else ''}" for n in range(9)]
    _, found = drafted(tmp_path, visits=["id,patient,start,Level", *rows])
    assert found["bookings"]["columns"]["site"] == {"constant": "chicago"}
    rows = [f"{n},P{n},2026-01-{n + 10},Team Dallas,Chicago" for n in range(9)]
    _, found = drafted(tmp_path, visits=["id,patient,start,Team,Where", *rows])
    assert found["bookings"]["columns"]["site"] == "Where"


def test_what_is_in_doubt_and_not_needed_is_left_out(tmp_path: Path) -> None:
    text, found = drafted(tmp_path, visits=["id,patient,start,ward stop", "1,P,2026-01-05 09:00,2026-01-05 10:00"])
    assert "ends_at" not in found["bookings"]["columns"]
    assert '# ends_at = "ward stop"  # DECIDE: is it this column?' in text


def test_a_time_zone_is_no_site(tmp_path: Path) -> None:
    rows = ["1,P,2026-01-05,America/Chicago", "2,P,2026-01-06,America/Chicago"]
    _, found = drafted(tmp_path, visits=["id,patient,start,Timezone", *rows])
    assert found["bookings"]["columns"]["site"] == {"constant": "chicago"}
    rows = ["1,P,2026-01-05,America/Chicago,Dallas", "2,P,2026-01-06,America/Chicago,Chicago"]
    _, found = drafted(tmp_path, visits=["id,patient,start,Timezone,Calendar", *rows])
    assert found["bookings"]["columns"]["site"] == "Calendar"


def test_staff_by_name_is_left_to_a_person(tmp_path: Path) -> None:
    rows = [f"{n},P,2026-01-0{n},{'Dr. Elaine Morrow' if n % 2 else 'Ray Dunn'}" for n in range(1, 5)]
    text, found = drafted(tmp_path, visits=["id,patient,start,Clinician", *rows])
    assert "provider" not in found["bookings"]["columns"]
    assert "DECIDE: these look like names of staff" in text
    _, found = drafted(tmp_path, visits=["id,patient,start,Clinician", "1,P,2026-01-05,DR-03"])
    assert found["bookings"]["columns"]["provider"] == "Clinician"


def test_words_for_nothing_and_utc_are_found(tmp_path: Path) -> None:
    rows = ["1,P,2026-01-05 09:00,NULL", "2,P,2026-01-06 09:00,NULL", "3,P,NULL,2026-01-02 08:00"]
    _, found = drafted(tmp_path, visits=["id,patient,start,created_utc", *rows])
    assert found["bookings"]["empty"] == ["NULL"]
    _, found = drafted(
        tmp_path,
        visits=["id,patient,start,Allergies", *(f"{n},P,2026-01-05,NA" for n in "12"), "3,P,2026-01-05,none"],
    )
    assert "empty" not in found["bookings"]
    paid = ["1,P,2026-01-05 09:00,10.00"]
    _, found = drafted(tmp_path, payments=["Payment ID,Customer ID,Created (UTC),Amount", *paid])
    assert found["payments"]["columns"]["paid_at"] == {"column": "Created (UTC)", "timezone": "UTC"}


def test_files_with_the_same_columns_are_one_table(tmp_path: Path) -> None:
    files = {
        f"Vagaro {name}": ["id,patient,start,status", f"{name},P,2026-01-05,done"] for name in ("Chicago", "Dallas")
    }
    _, found = drafted(tmp_path, **files)
    assert found["bookings"]["file"] == ["Vagaro Chicago.csv", "Vagaro Dallas.csv"]
    told = {"Vagaro Chicago": "chicago", "Vagaro Dallas": "dallas"}
    assert found["bookings"]["columns"]["site"] == {"file_name": True, "values": told}


def test_a_word_beside_a_name_makes_it_another(tmp_path: Path) -> None:
    header = ["payment_status", "invoice status", "Client Name", "department_phone", "booked_date", "appointment"]
    found = {name: [one.name for one in guess_columns(name, "bookings", header, ())] for name in ("status", "site")}
    assert found == {"status": [], "site": []}
    assert [one.name for one in guess_columns("starts_at", "bookings", header, ())] == []
    assert [one.name for one in guess_columns("booking_id", "bookings", header, ())] == ["appointment"]


def test_a_study_with_one_row_a_subject_has_one_column_for_both(tmp_path: Path) -> None:
    """Whose scores and side effects name the subject alone."""
    subjects = [f"CT1,CT1-{n:03d},{n:03d},01,2026-01-0{n}" for n in range(1, 6)]
    scored = [f"CT1-{n:03d},PHQ-9,2026-01-0{n},12" for n in range(1, 6)]
    _, found = drafted(
        tmp_path,
        dm=["STUDYID,USUBJID,SUBJID,SITEID,RFSTDTC", *subjects],
        qs=["USUBJID,QSCAT,QSDTC,QSSTRESN", *scored],
    )
    assert [found["bookings"]["columns"][name] for name in ("booking_id", "patient_id")] == ["USUBJID", "USUBJID"]
    assert found["scores"]["columns"]["patient_id"] == "USUBJID"


def test_a_column_without_a_name_is_nobodys(tmp_path: Path) -> None:
    _, found = drafted(tmp_path, visits=[",start,site", "7,2026-01-05 09:00,Chicago"])
    assert "patient_id" not in found["bookings"]["columns"]


def test_a_file_of_which_nothing_is_taken_is_joined_to_nothing(tmp_path: Path) -> None:
    visits = [f"{n},P{n},2026-01-0{n} 09:00" for n in range(1, 5)]
    _, found = drafted(
        tmp_path, visits=["id,patient,start", *visits], drugs=["case,drug", *(f"P{n},x" for n in range(1, 5))]
    )
    assert "joins" not in found


@pytest.mark.parametrize("midnight", ["2016-04-29 00:00:00+00:00", "2016-04-29T00:00:00.000Z", "2016-04-29T00:00Z"])
def test_midnight_of_utc_is_the_day_that_was_meant(tmp_path: Path, midnight: str) -> None:
    clinic = Clinic(tmp_path)
    clinic.delivery, mapping = tmp_path / "export", tmp_path / "m.toml"
    clinic.delivery.mkdir()
    visit = f"1,2,{midnight},Chicago,Myers cocktail,done"
    text, _ = drafted(clinic.delivery, visits=["id,patient,AppointmentDay,site,service,status", visit])
    mapping.write_text(text)
    clinic.publish(mapping=mapping)
    assert clinic.one("select starts_on::varchar from bookings") == "2016-04-29"


@pytest.mark.parametrize(
    ("header", "row", "start", "doubt"),
    [
        ("timestamp,date,time", "2025-09-29T13:33:53,05.11.2025,12:30",
         {"column": ["date", "time"], "format": "%d.%m.%Y %H:%M"}, None),
        ("data_agendamento,data_consulta", "2025-08-14 08:41,2025-09-25 08:00", "data_agendamento", "or is it data_consulta?"),
        ("visit_date,check_in_time", "2025-08-14,08:41", {"column": "visit_date", "format": "%Y-%m-%d"},
         "is that in check_in_time?"),
        ("created,start", "1767618000,1767618000", {"column": "start", "format": "epoch"}, None),
        ("created,start", "1767618000000,1767618000123", {"column": "start", "format": "epoch_ms"}, None),
    ],
)  # fmt: skip
def test_of_several_times_the_start_is_taken_or_asked_for(
    tmp_path: Path, header: str, row: str, start: object, doubt: str | None
) -> None:
    text, found = drafted(tmp_path, visits=[f"id,patient,{header}", f"1,2,{row}"])
    assert found["bookings"]["columns"]["starts_at"] == start
    [line] = [line for line in text.splitlines() if line.startswith("starts_at")]
    assert (doubt in line) if doubt else "DECIDE" not in line


@pytest.mark.parametrize(
    ("column", "values", "mapped"),
    [
        ("duration_hours", ["1.5", "2"], ("chair_minutes", {"column": "duration_hours", "times": 60})),
        ("price_cents", ["47500"], ("price", {"column": "price_cents", "times": 0.01})),
        ("dose_mcg", ["37500"], ("dose_mg", {"column": "dose_mcg", "times": 0.001})),
        ("Age", ["62.0"], ("age", {"column": "Age", "times": 1})),
        ("duration_months", ["9"], None),
        ("wait_minutes", ["9"], None),
        ("duration", ["1.5 hours"], None),
        ("dose_mg_kg", ["0.5"], None),
        ("end_date", ["2026-06-05"], None),
        ("doctor_notes", ["fine"], None),
        ("provider_email", ["ann@clinic.test"], None),
        ("medico", ["ann@clinic.test"], None),
        ("diagnosis_notes", ["crying"], None),
    ],
)
def test_units_and_words_beside_a_name_count(
    tmp_path: Path, column: str, values: list[str], mapped: tuple[str, object] | None
) -> None:
    rows = [f"{n},P{n},2026-01-05 09:00,{values[n % len(values)]}" for n in range(4)]
    _, found = drafted(tmp_path, visits=[f"id,patient,start,{column}", *rows])
    rest = {
        name: one
        for name, one in found["bookings"]["columns"].items()
        if name not in ("booking_id", "patient_id", "site", "service", "starts_at", "status")
    }
    assert rest == (dict([mapped]) if mapped else {})


@pytest.mark.parametrize("name", ["new_patient", "is_new_patient", "returning_patient"])
def test_a_flag_is_no_patient(tmp_path: Path, name: str) -> None:
    _, found = drafted(tmp_path, visits=[f"id,start,{name}", "1,2026-01-05 09:00,1", "2,2026-01-05 09:00,0"])
    assert "patient_id" not in found["bookings"]["columns"]


def test_words_of_which_few_are_known_are_asked_for(tmp_path: Path) -> None:
    """Else no-shows would count as completed, rejected payments as paid, and no grade at all."""
    visits = [f"{n},P{n},2026-01-05 09:00,{'Nije se pojavio' if n % 2 else 'Gotovo'}" for n in range(8)]
    paid = [f"{n},P{n},2026-01-05,10.00,{('Paid', 'Rejected', 'Pending')[n % 3]}" for n in range(9)]
    effects = [f"{n},{n},nausea,{('LIGHT', 'HEAVY')[n % 2]},N" for n in range(4)]
    text, found = drafted(
        tmp_path,
        visits=["id,patient,start,Treatment Status", *visits],
        payments=["payment_id,patient,payment_date,amount_paid,payment_status", *paid],
        ae=["ae_id,visit_id,aeterm,AESEV,AESER", *effects],
    )
    assert found["bookings"]["columns"]["status"]["column"] == "Treatment Status"
    assert '# "Nije se pojavio" = ""  # DECIDE' in text
    assert found["payments"]["columns"]["kind"] == {"column": "payment_status", "values": {"Paid": "payment"}}
    assert '# "Pending" = ""  # DECIDE' in text
    assert '# severity = "AESEV"  # DECIDE: give the words for its values, "HEAVY", "LIGHT"' in text
    assert found["side_effects"]["columns"]["serious"]["values"] == {"N": "no", "Y": "yes"}


def test_side_effects_that_name_no_booking_are_asked_about(tmp_path: Path) -> None:
    text, _ = drafted(
        tmp_path,
        visits=["visit_id,subject_id,start", *(f"V{n},S{n % 2},2026-01-0{n} 09:00" for n in (1, 2, 3))],
        ae=["ae_id,subject_id,aeterm", "1,S1,nausea", "2,S0,nausea"],
    )
    assert "DECIDE: no booking has one of its values as visit_id" in text


def test_a_word_that_means_something_elsewhere_is_shown_though_it_comes_once(tmp_path: Path) -> None:
    paid = ["1,P,2026-01-05,10.00,Paid", "2,P,2026-01-06,10.00,PENDING"]
    text, _ = drafted(tmp_path, payments=["payment_id,patient,payment_date,amount_paid,payment_status", *paid])
    assert '# "PENDING" = ""  # DECIDE' in text
