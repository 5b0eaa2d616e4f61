"""What the report says of a delivery whose rows are sound, and what is held back."""

from __future__ import annotations

import gzip
import json
import stat
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from intake_clinic import BOOKINGS, EVENTS, VISIT_COLUMNS, Clinic

from dashboard.intake import attempts, pointer
from dashboard.intake.commands import import_command
from dashboard.intake.contract import DeliveryError
from dashboard.intake.publish import Rules
from dashboard.intake.review import Change, DropError, Gap, refuse_falls

SCORES = "score_id,patient_id,instrument,taken_at,score"


def booking(n: int, site: str = "chicago", day: str = "2026-01-05", status: str = "completed", more: str = "") -> str:
    return f"B{n},P{n},{site},vitamin-c,{day} 09:00,{status}{more}"


def test_changes_are_counted_by_id(clinic: Clinic) -> None:
    clinic.write("bookings.csv", BOOKINGS, *(booking(n) for n in range(4)))
    clinic.write("side_effects.csv", EVENTS, "E1,B1,nausea")
    first = clinic.publish()
    assert (first.review.compared_with, first.review.changes) == (None, ())
    clinic.write(
        "bookings.csv", BOOKINGS,
        booking(0), booking(1, status="arrived"), booking(2, "dallas"), booking(7), booking(8, "dallas"),
    )  # fmt: skip
    clinic.write("side_effects.csv", EVENTS, "E1,B1,nausea", "E2,B1,nausea")
    second = clinic.publish(rules=Rules(accept_drop=True))
    assert second.review.compared_with == first.name
    assert [change for change in second.review.changes if change.source == "bookings"] == [
        Change("bookings", None, 4, 5, 2, 1, 2),
        Change("bookings", "chicago", 4, 3, 1, 1, 1),
        Change("bookings", "dallas", 0, 2, 1, 0, 1),
    ]
    assert Change("side_effects", None, 1, 2, 1, 0, 0) in second.review.changes
    assert clinic.one("select compared_with from extract_info") == first.name


@pytest.mark.parametrize(("now", "held"), [(95, False), (94, True), (100, False), (0, True)])
def test_a_fall_at_and_beyond_the_share(now: int, held: bool) -> None:
    changes = [Change("bookings", "dallas", 100, now, 0, 100 - now, 0)]
    if held:
        with pytest.raises(DropError, match="bookings of dallas: 100 rows before"):
            refuse_falls(changes, 0.05)
    else:
        refuse_falls(changes, 0.05)


def test_a_table_or_site_that_shrinks_is_held_back(clinic: Clinic) -> None:
    rows = [booking(n) for n in range(40)] + [booking(n, "dallas") for n in range(40, 44)]
    clinic.write("bookings.csv", BOOKINGS, *rows)
    clinic.write("scores.csv", SCORES, "S1,P1,PHQ-9,2026-01-05 08:00,9")
    first = clinic.publish()
    clinic.write("bookings.csv", BOOKINGS, *rows[:-1], *(booking(n) for n in range(50, 60)))
    with pytest.raises(DropError, match="bookings of dallas: 4 rows before, 3 now") as refusal:
        clinic.publish()
    assert "--accept-drop" in str(refusal.value)
    clinic.write("bookings.csv", BOOKINGS, *rows)
    (clinic.delivery / "scores.csv").unlink()
    with pytest.raises(DropError, match="scores: 1 rows before, 0 now"):
        clinic.publish()
    extracts = clinic.data / "extracts"
    named = pointer.current(extracts)
    assert named is not None
    assert named.name == first.name
    assert [attempt.result for attempt in attempts.read(extracts)] == ["published", "held", "held"]
    clinic.publish(rules=Rules(accept_drop=True))


def test_demo_and_real_data_are_not_compared(clinic: Clinic) -> None:
    clinic.write("delivery.json", '{"demo": true}')
    clinic.write("bookings.csv", BOOKINGS, *(booking(n) for n in range(9)))
    clinic.publish()
    (clinic.delivery / "delivery.json").unlink()
    clinic.write("bookings.csv", BOOKINGS, booking(1))
    assert clinic.publish().review.compared_with is None


def test_gaps_late_forms_and_oddities(clinic: Clinic) -> None:
    """Monday 5 January to Wednesday 14 January 2026; Chicago and Dallas are closed on Sunday the 11th."""
    header = BOOKINGS + ",side_effects_assessed,age,price,chair_minutes,dose_mg,booked_at"
    clinic.write(
        "bookings.csv",
        header,
        booking(1, day="2026-01-05", more=",yes,11,,,,"),
        booking(2, day="2026-01-08", more=",,12,0,,,2026-01-09 10:00"),
        booking(3, day="2026-01-12", more=",,30,9999,,,"),
        booking(4, day="2026-01-14", more=",,30,,600,,"),
        "B5,P5,chicago,ketamine-infusion,2026-01-10 09:00,completed,yes,30,,,250.00,",
        "B6,P6,chicago,ketamine-infusion,2026-01-09 09:00,completed,yes,30,,,250.01,",
    )
    clinic.write("scores.csv", SCORES, "S1,P1,PHQ-9,2026-01-05 08:00,27", "S2,P1,PHQ-9,2026-01-08 08:00,12")
    review = clinic.publish().review
    assert [str(date) for gap in review.gaps for date in gap.first_dates if gap.site == "chicago"] == [
        "2026-01-06", "2026-01-07", "2026-01-13",
    ]  # fmt: skip
    assert isinstance(review.gaps[0], Gap)
    [late] = review.late_forms
    assert (late.site, late.missing, late.completed, str(late.oldest)) == ("chicago", 1, 4, "2026-01-08")
    found = {(odd.column, odd.lowest, odd.highest) for odd in review.oddities}
    assert found == {
        ("age", 11, 11),
        ("booked_at", -1, -1),
        ("price", 9999, 9999),
        ("chair_minutes", 600, 600),
        ("dose_mg", 250.01, 250.01),
        ("score", 15, 15),
    }


def test_the_report_for_programs(clinic: Clinic, tmp_path: Path) -> None:
    clinic.write("bookings.csv", BOOKINGS, booking(1), booking(1), *(booking(n, "mars") for n in range(2, 9)))
    file = tmp_path / "report.json"
    arguments = [str(clinic.delivery), "--data", str(clinic.data), "--report", str(file)]
    assert CliRunner().invoke(import_command, arguments).exit_code == 0
    report = json.loads(file.read_text())
    assert report["report_version"] == 1
    assert report["rows"] == {"read": 9, "accepted": 1, "rejected": 8, "left_out": 0}
    assert (report["result"], report["duplicates"]) == ("published", 1)
    assert report["files"][0] == {
        "source": "bookings", "file": "bookings.csv", "rows_read": 9, "rows_accepted": 1, "rows_rejected": 8,
        "rows_left_out": 0, "ignored": [],
    }  # fmt: skip
    [site] = [reject for reject in report["rejects"] if reject["column"] == "site"]
    assert (site["lines"], site["first_lines"], site["first_value"]) == (7, [4, 5, 6, 7, 8], "mars")
    assert report.keys() >= {"compared_with", "changes", "gaps", "late_forms", "oddities", "extract", "seconds"}

    clinic.write("bookings.csv", BOOKINGS.replace("site", "place"), "Jane Roe-Secret,P,x,y,z,u")
    assert CliRunner().invoke(import_command, arguments).exit_code == 1
    assert json.loads(file.read_text())["result"] == "refused"
    last = attempts.read(clinic.data / "extracts")[-1]
    assert (last.result, last.delivery) == ("refused", "delivery")
    assert "lacks the required column site" in last.message


def test_a_file_without_header_leaves_no_values_on_record(clinic: Clinic, tmp_path: Path) -> None:
    clinic.write("bookings.csv", "B1,Jane Roe-Secret,chicago,vitamin-c,2026-01-05 09:00,completed")
    done = CliRunner().invoke(import_command, [str(clinic.delivery), "--data", str(clinic.data)])
    assert (done.exit_code, "Secret" in done.output, "looks like data" in done.output) == (1, False, True)
    assert b"Secret" not in (clinic.data / "extracts" / attempts.FILE_NAME).read_bytes()

    clinic.write("visits.csv", "B1,sites Roe-Secret,dallas,2026-01-05 09:00")
    mapping = tmp_path / "m.toml"
    mapping.write_text(_MAPPED % "", encoding="utf-8")
    mapped = [str(clinic.delivery), "--data", str(clinic.data), "--mapping", str(mapping)]
    done = CliRunner().invoke(import_command, mapped)
    assert (done.exit_code, "Secret" in done.output) == (1, False)
    last = attempts.read(clinic.data / "extracts")[-1]
    assert "there is no column 'id' in the file" in last.message
    assert b"Secret" not in (clinic.data / "extracts" / attempts.FILE_NAME).read_bytes()


def test_rejected_lines_are_mended_and_imported_again(clinic: Clinic, tmp_path: Path) -> None:
    """The lines come out as they were delivered; mended and put beside the others they are accepted."""
    header = BOOKINGS + ",note"
    lines = [
        f'{booking(1)},"two\nlines"',
        f'{booking(2, "mars")},"three\n\nlines"',
        f"{booking(3)},",
        f'{booking(4)},"never closed',
        f"{booking(5, day='2026-02-30')},",
    ]
    clinic.write_bytes("bookings.csv", ("\r\n".join([header, *lines]) + "\r\n").encode())
    clinic.write("side_effects.csv", EVENTS, "E1,B2,nausea")
    to_mend = tmp_path / "to-mend"
    report = clinic.publish(rejects=to_mend)
    assert report.rows_rejected == 4
    file = to_mend / "bookings-rejects.csv"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    rejected = "\r\n".join([header, lines[1], lines[3], lines[4]]) + "\r\n"
    assert file.read_bytes() == rejected.encode()
    mended = rejected.replace("mars", "dallas").replace('"never', "never").replace("02-30", "02-27")
    clinic.write_bytes("bookings-rejects.csv", mended.encode())
    again = clinic.publish()
    assert clinic.ask("select booking_id, site from bookings order by all") == [
        ("B1", "chicago"), ("B2", "dallas"), ("B3", "chicago"), ("B4", "chicago"), ("B5", "chicago"),
    ]  # fmt: skip
    assert clinic.one("select count(*) from side_effects") == 1
    assert again.rows_rejected == 3


_MAPPED = f'[bookings]\nfile = "visits.*"\n%s\n{VISIT_COLUMNS}'


def test_rejected_lines_of_mapped_files(clinic: Clinic, tmp_path: Path) -> None:
    """Another delimiter, quote and encoding are copied byte for byte; what has no such lines is refused."""
    (clinic.delivery / "bookings.csv").unlink()
    mapping = tmp_path / "m.toml"
    rows = ["id;patient;site;start", "V1;P1;dallas;2026-01-05 09:00", "V2;P2;'zürich\n';2026-01-05 09:00"]
    text = "\n".join(rows) + "\n"
    clinic.write_bytes("visits.csv", text.encode("cp1252"))
    mapping.write_text(_MAPPED % 'encoding = "cp1252"\ndelimiter = ";"\nquote = "\'"', encoding="utf-8")
    report = clinic.publish(mapping=mapping, rejects=tmp_path / "mend")
    assert report.rows_rejected == 1
    assert (tmp_path / "mend" / "visits-rejects.csv").read_bytes().decode("cp1252") == f"{rows[0]}\n{rows[2]}\n"

    mapping.write_text(_MAPPED % 'delimiter = ";"\nquote = "\'"', encoding="utf-8")
    clinic.write_bytes("visits.csv", text.encode("utf-16"))
    with pytest.raises(DeliveryError, match=r"utf-16, whose lines.*without --rejects"):
        clinic.publish(mapping=mapping, rejects=tmp_path / "mend")
    (clinic.delivery / "visits.csv").unlink()
    mapping.write_text(_MAPPED % "", encoding="utf-8")
    with duckdb.connect() as connection:
        connection.execute(
            "copy (select 'V1' as id, 'P1' as patient, 'mars' as site, '2026-01-05 09:00' as start) "
            f"to '{clinic.delivery}/visits.parquet'"
        )
    with pytest.raises(DeliveryError, match=r"is Parquet and has no lines.*without --rejects"):
        clinic.publish(mapping=mapping, rejects=tmp_path / "mend")


def test_no_rejected_line_is_lost_whatever_the_files_are_called(clinic: Clinic, tmp_path: Path) -> None:
    """Folders, names with several dots, packed and plain files of one name, a file that holds two tables."""
    (clinic.delivery / "bookings.csv").unlink()
    (clinic.delivery / "out").mkdir()
    header = "id,patient,site,start,tool,points"
    names = ["out/visits.2025.csv", "out/visits.2026.csv", "out/visits.2026.csv.gz", "visits"]
    for number, name in enumerate(names):
        lines = [
            header,
            f"V{number},P1,mars,2026-01-05 09:00,PHQ-9,5",
            f"W{number},P1,dallas,2026-01-05 09:00,PHQ-9,99",
        ]
        content = ("\n".join(lines) + "\n").encode()
        clinic.write_bytes(name, gzip.compress(content) if name.endswith(".gz") else content)
    mapping = tmp_path / "m.toml"
    mapping.write_text(
        _MAPPED.replace('"visits.*"', '["out/visits.*", "visits"]')
        % ""
        + '[scores]\nfile = ["out/visits.*", "visits"]\n[scores.columns]\nscore_id = "id"\npatient_id = "patient"\n'
        'instrument = "tool"\ntaken_at = "start"\nscore = "points"\n',
        encoding="utf-8",
    )
    clinic.publish(mapping=mapping, rejects=tmp_path / "mend")
    written = [path for path in (tmp_path / "mend").rglob("*") if path.is_file()]
    assert sorted(str(path.relative_to(tmp_path / "mend")) for path in written) == [
        "out/visits.2025-rejects.csv", "out/visits.2026-rejects-2.csv", "out/visits.2026-rejects.csv", "visits-rejects",
    ]  # fmt: skip
    lines = [path.read_text().splitlines() for path in written]
    assert {one[0] for one in lines} == {header}
    assert sorted(line[:2] for one in lines for line in one[1:]) == ["V0", "V1", "V2", "V3", "W0", "W1", "W2", "W3"]
