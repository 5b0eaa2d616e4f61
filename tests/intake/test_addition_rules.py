"""What is added is refused where it can't be the same as all at once, reported as any delivery, and guarded."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from intake_clinic import BOOKINGS, EVENTS, Clinic, change, in_use

from dashboard.cli import main
from dashboard.intake import keys, pointer
from dashboard.intake.commands import import_command
from dashboard.intake.contract import DeliveryError
from dashboard.intake.publish import Rules, import_delivery
from dashboard.intake.review import DropError
from dashboard.settings import ROOT


def booking(number: int, site: str = "chicago", status: str = "completed") -> str:
    return f"B{number},P{number},{site},vitamin-c,2026-01-05 09:00,{status}"


def refused(clinic: Clinic, words: str, **options: Any) -> None:
    """It is refused in these words, and the extract in use stays."""
    file = clinic.data / "extracts" / pointer.FILE_NAME
    before = file.read_bytes() if file.exists() else None
    with pytest.raises(DeliveryError, match=words):
        import_delivery(clinic.delivery, clinic.data, add=True, **options)
    assert (file.read_bytes() if file.exists() else None) == before
    assert not list((clinic.data / "extracts").glob(".*"))


def test_without_an_extract(clinic: Clinic) -> None:
    refused(clinic, "no extract yet.*import the whole delivery instead, without --add")


def test_a_damaged_extract(clinic: Clinic) -> None:
    path = clinic.publish().path
    path.write_bytes(path.read_bytes()[:-1])
    refused(clinic, "nothing can be added.*bytes instead of")


def test_an_extract_that_was_changed(clinic: Clinic) -> None:
    path = clinic.publish().path
    content = bytearray(path.read_bytes())
    content[-10] ^= 1
    path.write_bytes(content)
    refused(clinic, "was changed after it was published")


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("update extract_info set schema_version = 1", "built by an earlier version"),
        ("alter table extract_info drop column key_check", "built by an earlier version"),
        ("update extract_info set definitions_version = '0'", "its definitions are 0, those in force"),
        ("update extract_info set demo = true", "only one of the two holds demo data"),
    ],
)
def test_what_was_built_with_something_else(clinic: Clinic, sql: str, words: str) -> None:
    clinic.publish()
    change(clinic, sql)
    refused(clinic, f"can't be added to extract-.*{words}.*without --add")


def test_another_key(clinic: Clinic) -> None:
    clinic.publish()
    (clinic.data / "state" / keys.FILE_NAME).write_bytes(bytes(32))
    refused(clinic, "made with another key, so that patients would not be recognised")


def test_resources(clinic: Clinic) -> None:
    clinic.publish()
    for file in clinic.delivery.iterdir():
        file.unlink()
    clinic.write("Appointment.ndjson", json.dumps({"resourceType": "Appointment", "id": "1"}))
    refused(clinic, "holds FHIR resources.*without --add")


def test_what_waits_is_something(clinic: Clinic) -> None:
    """On a Sunday nothing but the score of somebody who has no booking yet: refused, it would hold up all days after."""
    clinic.publish()
    for file in clinic.delivery.iterdir():
        file.unlink()
    clinic.write("scores.csv", "score_id,patient_id,instrument,taken_at,score", "S1,P2,PHQ-9,2026-01-04 09:00,9")
    for _ in range(2):
        assert clinic.publish(add=True).rows_rejected >= 1
        assert clinic.one("select count(*) from waiting_scores") == 1
    clinic.write("bookings.csv", BOOKINGS, "B2,P2,dallas,vitamin-c,2026-01-05 09:00,completed")
    clinic.write("scores.csv", "score_id,patient_id,instrument,taken_at,score", "S2,P2,PHQ-9,2026-01-04 09:00,99")
    clinic.publish(add=True)
    assert clinic.ask("select score_id, site::varchar from scores") == [("S1", "dallas")]


def test_of_nothing_that_will_do_the_delivered_rows_are_told(clinic: Clinic) -> None:
    clinic.write("scores.csv", "score_id,patient_id,instrument,taken_at,score", "S1,P2,PHQ-9,2026-01-04 09:00,9")
    name = clinic.publish().name
    for file in clinic.delivery.iterdir():
        file.unlink()
    clinic.write("scores.csv", "score_id,patient_id,instrument,taken_at,score", "S2,P1,PHQ-9,2026-01-06 09:00,99")
    with pytest.raises(DeliveryError, match=r"scores\.csv line 2: score is not") as found:
        clinic.publish(add=True)
    assert name not in str(found.value)


def test_an_empty_folder_and_nothing_that_will_do(clinic: Clinic) -> None:
    clinic.publish()
    clinic.write("bookings.csv", BOOKINGS, "B2,P1,nowhere,vitamin-c,2026-01-05 09:00,completed")
    refused(clinic, "no row was accepted, so nothing was added")
    for file in clinic.delivery.iterdir():
        file.unlink()
    refused(clinic, "holds none of bookings.csv.*so there is nothing to add")


def test_rejects_are_those_of_the_delivery(clinic: Clinic, tmp_path: Path) -> None:
    clinic.publish()
    rows = ["B2,P2,dallas,vitamin-c,2026-01-06 09:00,completed", "B3,P3,nowhere,vitamin-c,x,completed", "B2,P2,,,,"]
    clinic.write("bookings.csv", BOOKINGS, *rows, "broken")
    clinic.write("side_effects.csv", EVENTS, "E1,B9,nausea", "E2,B2,", "E3,B2,nausea", "E3,B2,rash", "E4,B1,nausea")
    report = clinic.publish(add=True, rejects=tmp_path / "to-mend")
    name = report.review.compared_with
    assert report.rows_read == report.rows_accepted + report.rows_rejected
    assert [(file.source, file.file, file.rows_read, file.rows_accepted) for file in report.files] == [
        ("bookings", "bookings.csv", 4, 1),
        ("side_effects", "side_effects.csv", 5, 2),
        ("bookings", name, 1, 1),
    ]
    found = clinic.rejects()
    mended = (tmp_path / "to-mend" / "side_effects-rejects.csv").read_text()
    assert mended == f"{EVENTS}\nE1,B9,nausea\nE2,B2,\nE3,B2,rash\n"
    clinic.write(
        "bookings.csv", BOOKINGS, *rows, "broken", "B1,P1,chicago,ketamine-infusion,2026-01-05 09:00,completed"
    )
    clinic.publish(rules=Rules(accept_drop=True))
    assert found == clinic.rejects()


def test_a_row_that_no_longer_fits_is_rejected_with_its_place(clinic: Clinic) -> None:
    clinic.write("bookings.csv", BOOKINGS, booking(1), booking(2))
    clinic.write(
        "side_effects.csv", f"{EVENTS},onset_at", "E1,B1,nausea,2026-01-05 09:30", "E2,B2,nausea,2026-01-05 09:30"
    )
    before = clinic.publish().name
    clinic.write("bookings.csv", BOOKINGS, "B2,P2,chicago,vitamin-c,2026-02-05 09:00,completed")
    (clinic.delivery / "side_effects.csv").unlink()
    clinic.publish(add=True, rules=Rules(accept_drop=True))
    assert clinic.rejects() == [(before, 2, "onset_at", "2026-01-05 09:30")]
    assert clinic.ask("select event_id from side_effects") == [("E1",)]
    # And it is back when its visit is.
    clinic.write("bookings.csv", BOOKINGS, booking(2))
    clinic.publish(add=True)
    assert (clinic.rejects(), clinic.one("select count(*) from side_effects")) == ([], 2)


def test_a_faulty_row_replaces_nothing(clinic: Clinic) -> None:
    clinic.write("side_effects.csv", EVENTS, "E1,B1,nausea")
    clinic.publish()
    clinic.write("bookings.csv", BOOKINGS, "B1,P1,nowhere,vitamin-c,2026-01-05 09:00,no_show", booking(2))
    clinic.write("side_effects.csv", EVENTS, "E1,B9,rash")
    clinic.publish(add=True)
    assert clinic.ask("select booking_id, status::varchar from bookings order by all") == [
        ("B1", "completed"),
        ("B2", "completed"),
    ]
    assert clinic.ask("select event_id, booking_id, effect::varchar from side_effects") == [("E1", "B1", "nausea")]


def test_changes_are_those_against_the_extract_before(clinic: Clinic, tmp_path: Path) -> None:
    clinic.write("bookings.csv", BOOKINGS, *(booking(n, ("chicago", "dallas")[n % 2]) for n in range(50)))
    clinic.write("side_effects.csv", EVENTS, "E1,B1,nausea", "E2,B2,nausea")
    clinic.publish()
    at_once = tmp_path / "at-once"
    shutil.copytree(clinic.data, at_once)
    new = [
        booking(7, "chicago"),
        booking(8, status="no_show"),
        booking(9, "dallas"),
        booking(90),
        booking(91, "dallas"),
    ]
    clinic.write("bookings.csv", BOOKINGS, *new)
    clinic.write("side_effects.csv", EVENTS, "E2,B3,nausea", "E3,B90,rash")
    added = clinic.publish(add=True).review.changes
    rows = {n: booking(n, ("chicago", "dallas")[n % 2]) for n in range(50)}
    rows |= {int(row.split(",")[0][1:]): row for row in new}
    clinic.write("bookings.csv", BOOKINGS, *rows.values())
    clinic.write("side_effects.csv", EVENTS, "E1,B1,nausea", "E2,B3,nausea", "E3,B90,rash")
    assert added == import_delivery(clinic.delivery, at_once, rules=Rules(accept_drop=True)).review.changes
    assert any(change.changed for change in added)


def test_a_site_that_loses_its_bookings_is_held_back(clinic: Clinic) -> None:
    clinic.write("bookings.csv", BOOKINGS, *(booking(n, ("chicago", "dallas")[n % 2]) for n in range(50)))
    clinic.publish()
    clinic.write("bookings.csv", BOOKINGS, *(booking(n, "chicago") for n in range(11)))
    with pytest.raises(DropError, match="bookings of dallas: 25 rows before, 20 now"):
        clinic.publish(add=True)
    assert clinic.publish(add=True, rules=Rules(accept_drop=True)).review.compared_with


def test_one_table_and_a_dry_run(clinic: Clinic) -> None:
    name = clinic.publish().name
    for file in clinic.delivery.iterdir():
        file.unlink()
    clinic.write("scores.csv", "score_id,patient_id,instrument,taken_at,score", "S1,P1,PHQ-9,2026-01-06 09:00,9")
    assert not clinic.publish(add=True, dry_run=True).published
    assert in_use(clinic).name == name
    clinic.publish(add=True)
    assert clinic.ask("select site::varchar, score from scores") == [("chicago", 9)]
    assert clinic.ask("select distinct file from sources") == [("scores.csv",), (name,)]


def test_little_memory_is_enough(clinic: Clinic) -> None:
    clinic.write("bookings.csv", BOOKINGS, *(booking(n) for n in range(3_000)))
    clinic.publish(memory_limit="100MB")
    clinic.publish(add=True, memory_limit="100MB")


def test_the_commands(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHBOARD_DATA", str(clinic.data))
    runner = CliRunner()
    assert runner.invoke(import_command, [str(clinic.delivery)]).exit_code == 0
    first = in_use(clinic)
    clinic.write("bookings.csv", BOOKINGS, booking(2))
    added = runner.invoke(import_command, [str(clinic.delivery), "--add"])
    assert (added.exit_code, f"{first.name}" in added.output) == (0, True)
    second = in_use(clinic)
    compared = runner.invoke(main, ["extracts", "compare", first.path.stem, second.name])
    assert compared.exit_code == 1
    assert {"bookings", "daily", "hourly"} <= set(compared.stdout.splitlines())
    assert "courses" not in compared.stdout.splitlines()
    same = runner.invoke(main, ["extracts", "compare", str(first.path), first.name])
    assert (same.exit_code, same.stdout, same.stderr) == (0, "", "no difference\n")
    unknown = runner.invoke(main, ["extracts", "compare", first.name, "extract-1"])
    assert (unknown.exit_code, "there is no extract extract-1" in unknown.stderr) == (1, True)
    broken = runner.invoke(main, ["extracts", "compare", first.name, str(ROOT / "README.md")])
    assert (broken.exit_code, "cannot be read" in broken.stderr) == (1, True)


NUMBERED = """
[bookings]
file = "v*.csv"
[bookings.columns]
booking_id = %s
patient_id = "patient"
site = { constant = "chicago" }
service = { constant = "vitamin-c" }
starts_at = "start"
status = { constant = "completed" }
"""
_OF_TABLES = {
    "side_effects": ("visit,what", 'event_id = { row_number = "AE-" }\nbooking_id = "visit"\neffect = "what"'),
    "payments": (
        "patient,day",
        'payment_id = { row_number = "" }\npatient_id = "patient"\npaid_at = { column = "day", format = "%Y-%m-%d" }\n'
        'kind = { constant = "payment" }\namount = { constant = "9" }',
    ),
    "scores": (
        "patient,day",
        'score_id = { row_number = "" }\npatient_id = "patient"\ntaken_at = { column = "day", format = "%Y-%m-%d" }\n'
        'instrument = { constant = "PHQ-9" }\nscore = { constant = "9" }',
    ),
}


@pytest.mark.parametrize(
    ("table", "first", "then"),
    [
        ("side_effects", "V1,nausea", "V2,rash"),
        ("side_effects", "V9,nausea", "V2,rash"),
        ("payments", "P1,2026-01-05", "P2,2026-01-05"),
        ("payments", "P1,2026-01-05", "P1,2026-01-08"),
        ("payments", "P9,2026-01-05", "P1,2026-01-05"),
        ("scores", "P1,2026-01-05", "P2,2026-01-05"),
        ("scores", "P1,2026-01-05", "P1,2026-01-08"),
        ("scores", "P9,2026-01-05", "P1,2026-01-05"),
    ],
)
def test_numbers_of_rows_take_no_other_records_place(
    clinic: Clinic, tmp_path: Path, table: str, first: str, then: str
) -> None:
    """Today's first side effect has the id of yesterday's first, which would be gone without a word."""
    header, columns = _OF_TABLES[table]
    mapping = tmp_path / "m.toml"
    for file in clinic.delivery.iterdir():
        file.unlink()
    clinic.write("v.csv", "id,patient,start", *(f"V{n},P{n},2026-01-05 09:00" for n in (1, 2, 3)))

    def add(name: str, row: str, **options: Any) -> None:
        clinic.write(name, header, row)
        mapping.write_text(
            NUMBERED % '"id"' + f'[{table}]\nfile = "{name}"\n[{table}.columns]\n{columns}\n', encoding="utf-8"
        )
        clinic.publish(mapping=mapping, **options)

    add("log.csv", first)
    add("log.csv", first, add=True)
    with pytest.raises(DeliveryError, match=r"number of the row in log\.csv.*by its date"):
        add("log.csv", then, add=True)
    add("log-2.csv", then, add=True)
    assert clinic.one(f"select (select count(*) from {table}) + (select count(*) from waiting_{table})") == 2


def test_bookings_that_are_numbered_take_no_others_place(clinic: Clinic, tmp_path: Path) -> None:
    mapping = tmp_path / "m.toml"
    mapping.write_text(NUMBERED % '{ row_number = "" }', encoding="utf-8")
    for file in clinic.delivery.iterdir():
        file.unlink()
    rows = ("id,patient,start", "V1,P1,2026-01-05 09:00", "V2,P2,2026-01-05 09:00")
    clinic.write("v.csv", *rows)
    clinic.publish(mapping=mapping)
    clinic.write("v.csv", *rows, "V3,P3,2026-01-06 09:00")
    clinic.publish(mapping=mapping, add=True)
    assert clinic.one("select count(*) from bookings") == 3
    for other in ("V4,P9,2026-01-05 09:00", "V4,P1,2026-01-07 09:00"):
        clinic.write("v.csv", rows[0], other)
        with pytest.raises(DeliveryError, match=r"booking_id is the number of the row in v\.csv"):
            clinic.publish(mapping=mapping, add=True)
