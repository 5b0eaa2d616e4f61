"""A mapping is drafted from what other systems export: what is found, what is left to a person, what is never shown."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner
from intake_clinic import Clinic
from intake_drafts import drafted

from dashboard.cli import main
from dashboard.intake.drafting.draft import draft_mapping
from dashboard.intake.drafting.guesses import guess_columns, guess_reference
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
        (('booking_id = { column = ["MRN", "When"] }', 'booking_id = "Nr"'),),
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


def test_a_word_that_fits_several_is_left_to_a_person(tmp_path: Path) -> None:
    (tmp_path / "visits.csv").write_text("Appointment ID,Service\n1,Ketamine IV\n2,Vitamin C IV\n", encoding="utf-8")
    drafted = tomllib.loads(draft_mapping(tmp_path, load_reference()))
    assert drafted["bookings"]["columns"]["service"]["values"] == {"Vitamin C IV": "vitamin-c"}


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


def test_a_name_that_its_values_belie_is_no_guess(tmp_path: Path) -> None:
    header = "id,patient,start,Price Point Name,no_charge,Duration,created_by_staff_id,Card Method,Location,Facility"
    rows = ["1,P,2026-01-05 09:00,Regular,false,1h 30min,1,,Room 1,Chicago"]
    rows.append("2,P,2026-01-06 09:00,Regular,true,45min,2,,Room 2,Dallas")
    _, found = drafted(tmp_path, visits=[header, *rows])
    columns = found["bookings"]["columns"]
    assert columns.keys() == {"booking_id", "patient_id", "site", "service", "starts_at", "status"}
    assert columns["site"] == "Facility"


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


def test_a_folder_of_fhir_needs_no_mapping_and_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "Patient.ndjson").write_text('{"resourceType": "Patient", "id": "1"}\n', encoding="utf-8")
    told = CliRunner().invoke(main, ["mapping", "draft", str(tmp_path)])
    assert told.exit_code == 1
    assert f"imported without a mapping: dashboard import {tmp_path}" in told.stderr
