"""What an import says when other things than the delivery changed: the key, demo for real data, where the report goes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from intake_clinic import BOOKINGS, EVENTS, Clinic

from dashboard.intake.commands import import_command
from dashboard.intake.review import DropError
from dashboard.settings import ROOT

OTHER = "the reference tables are others than those of extract-"
KEY = "the patient numbers are made with another key"


def run(clinic: Clinic, *options: str) -> Result:
    return CliRunner().invoke(import_command, [str(clinic.delivery), "--data", str(clinic.data), *options])


def test_demo_data_do_not_take_the_place_of_a_clinics_own(clinic: Clinic, tmp_path: Path) -> None:
    own = clinic.publish()
    clinic.write("delivery.json", '{"demo": true}')
    for options in ({}, {"dry_run": True}, {"add": True}):
        with pytest.raises(DropError, match="holds demo data, and the extract in use a clinic's own"):
            clinic.publish(**options)
    assert json.loads((clinic.data / "extracts" / "current.json").read_text())["name"] == own.name
    report = tmp_path / "report.json"
    assert run(clinic, "--report", str(report)).exit_code == 1
    assert json.loads(report.read_text())["result"] == "held"
    assert run(clinic, "--accept-drop").exit_code == 0
    assert clinic.publish().published
    clinic.write("delivery.json", '{"demo": false}')
    assert clinic.publish().published


def test_a_key_that_was_lost_is_told(clinic: Clinic) -> None:
    assert KEY not in run(clinic).output
    assert KEY not in run(clinic).output
    (clinic.data / "state" / "patient.key").unlink()
    told = run(clinic)
    assert (told.exit_code, KEY in told.output, "put its copy back" in told.output) == (0, True, True)
    assert KEY not in run(clinic).output


def test_nothing_is_done_where_the_report_cannot_be_written(clinic: Clinic, tmp_path: Path) -> None:
    nowhere = run(clinic, "--report", str(tmp_path / "none" / "report.json"))
    assert (nowhere.exit_code, "there is no folder" in nowhere.output) == (1, True)
    assert not (clinic.data / "extracts").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_disk_that_is_full_for_the_report_hides_no_result(clinic: Clinic) -> None:
    full = run(clinic, "--report", "/dev/full")
    assert full.exit_code == 1
    assert "What came of the import: published, extract-" in full.output
    assert "rejected" in full.output


def test_other_reference_tables_than_before_are_told(clinic: Clinic, tmp_path: Path) -> None:
    """As when somebody forgets --reference."""
    own = tmp_path / "reference"
    own.mkdir()
    shipped = (ROOT / "data" / "reference" / "sites.csv").read_text()
    (own / "sites.csv").write_text(
        f"{shipped.replace('Chicago,8,', 'Denver,8,')}boston,Boston,Boston,America/New_York,4,08:00,18:00,Mon Tue\n"
    )
    clinic.write("side_effects.csv", EVENTS, "E1,B1,Seeing colours")
    options = ("--reference", str(own))
    for _ in range(2):
        assert OTHER not in run(clinic, *options).output
    told = run(clinic)
    assert told.exit_code == 0
    [line] = [line for line in told.output.splitlines() if OTHER in line]
    assert ": sites: chicago changed; sites: boston removed. New chairs and hours" in line
    assert OTHER not in run(clinic).output
    services = (ROOT / "data" / "reference" / "services.csv").read_text()
    (own / "sites.csv").unlink()
    (own / "services.csv").write_text(
        "".join(services.splitlines(keepends=True)[:2])
        + "".join(f"new-{n:02},New,vitamin,30,10.00\n" for n in range(12))
    )
    told = run(clinic, *options)
    added = ", ".join(f"new-{n:02}" for n in range(10))
    assert f"services: {added} and 2 more added; services: hydration-basic," in told.output


def test_what_is_held_back_says_why_its_rows_are_missing(clinic: Clinic, tmp_path: Path) -> None:
    clinic.write(
        "bookings.csv",
        BOOKINGS,
        *(f"B{n},P1,{'dallas' if n % 2 else 'chicago'},vitamin-c,2026-01-05 09:00,completed" for n in range(8)),
    )
    clinic.publish()
    own = tmp_path / "reference"
    own.mkdir()
    shipped = (ROOT / "data" / "reference" / "sites.csv").read_text().splitlines(keepends=True)
    (own / "sites.csv").write_text("".join(line for line in shipped if not line.startswith("dallas")))
    with pytest.raises(DropError) as held:
        clinic.publish(reference=own)
    assert str(held.value).splitlines()[-1].startswith("  bookings.csv 4 lines, first 3, 5, 7, 9: site is not a site")


def test_rejected_lines_of_an_earlier_import_are_told_apart(clinic: Clinic, tmp_path: Path) -> None:
    to_mend, left = tmp_path / "to-mend", "still holds rejected lines of an earlier import"
    clinic.write("side_effects.csv", EVENTS, "E1,B9,nausea")
    options = ("--rejects", str(to_mend))
    assert left not in run(clinic, *options).output
    clinic.write("side_effects.csv", EVENTS)
    told = run(clinic, *options).output
    assert f"{to_mend} {left}, which are not those of this one: side_effects-rejects.csv" in told
    # Beside the delivery they are a part of it.
    (to_mend / "side_effects-rejects.csv").rename(clinic.delivery / "side_effects-rejects.csv")
    assert left not in run(clinic, "--rejects", str(clinic.delivery)).output


def test_it_is_told_that_prices_and_chairs_count_for_days_that_are_over(clinic: Clinic, tmp_path: Path) -> None:
    clinic.publish()
    own = tmp_path / "reference"
    own.mkdir()
    shipped = ROOT / "data" / "reference"
    (own / "services.csv").write_text((shipped / "services.csv").read_text().replace("475.00", "495.00"))
    told = run(clinic, "--reference", str(own)).output
    assert "services: ketamine-infusion changed. New list prices and usual minutes count for every day" in told
    assert "New chairs" not in told
    (own / "sites.csv").write_text(
        (shipped / "sites.csv").read_text().replace("America/Chicago,8,", "America/Chicago,9,")
    )
    told = run(clinic, "--reference", str(own)).output
    assert "sites: chicago changed. New chairs and hours count for every day" in told
    assert "New list" not in told
