"""What the page Data tells of a delivery: rows once each, and very many files in short."""

from __future__ import annotations

import pandas as pd
import pytest
from intake_clinic import BOOKINGS, EVENTS, Clinic

from dashboard import exports, filters
from dashboard.access import Role, Viewer
from dashboard.panels import PANELS, folding, heading, rows, shown
from dashboard.settings import Settings
from dashboard.warehouse import Reader, Warehouse


def reader(clinic: Clinic, role: Role) -> Reader:
    return Reader(Warehouse(clinic.report.path, Settings(data=clinic.data)), Viewer("x", "X", role))


def asked(reader: Reader, name: str) -> tuple[str, pd.DataFrame, pd.DataFrame]:
    """A panel's heading, its rows, and what its page shows of them."""
    chosen = filters.parse({}, exports.scope_of(reader))
    return heading(reader, name, chosen), rows(reader, name, chosen), shown(reader, name, chosen)


@pytest.fixture
def faulty(clinic: Clinic) -> Clinic:
    clinic.write(
        "bookings.csv",
        BOOKINGS + ",age",
        "B1,P1,chicago,ketamine-infusion,2026-01-05 09:00,completed,40",
        "B2,P1,atlantis,ketamine-infusion,soon,went,40",
        "B3,P1,atlantis,ketamine-infusion,2026-01-05 09:00,completed,400",
        "B4,P1,chicago,ketamine-infusion,2026-01-05 09:00,went,40",
    )
    clinic.write("side_effects.csv", EVENTS, "E1,B1,nausea", "E2,B9,nausea", "E3,B9,nausea", "E4,,nausea")
    clinic.publish()
    return clinic


def test_rejected_rows_are_as_many_by_reason_as_by_file(faulty: Clinic) -> None:
    admin = reader(faulty, Role.ADMIN)
    assert asked(admin, "sources")[0] == "2 rows accepted + 6 rejected = 8 rows read"
    # Of bookings 3 rows with 2 + 2 + 1 faults of 3 kinds, of side effects 3 rows with one each of 2.
    assert asked(admin, "reject_reasons")[0] == "6 rows were rejected for 5 reasons; 2 rows have more than one"


def test_a_manager_sees_the_same_rows_in_both(faulty: Clinic) -> None:
    """From whom small counts are hidden, rejected side effects are in neither number."""
    manager = reader(faulty, Role.MANAGER)
    assert asked(manager, "sources")[0] == (
        "1 rows accepted + 3 rejected = 4 rows read, without those of side_effects"
    )
    answer, frame, _ = asked(manager, "reject_reasons")
    assert answer == "3 rows were rejected for 3 reasons; 2 rows have more than one, without those of side_effects"
    own = frame[frame["source"] == "side_effects"]
    assert len(own) == 2
    assert own[["lines", "first_lines", "rejected", "several"]].isna().all(axis=None)
    assert frame["source"].tolist()[-2:] == ["side_effects"] * 2  # as if none were counted


def test_where_only_side_effects_are_rejected(clinic: Clinic) -> None:
    clinic.write("side_effects.csv", EVENTS, "E1,B9,nausea")
    clinic.publish()
    assert asked(reader(clinic, Role.MANAGER), "reject_reasons")[0] == "Rows of side_effects were rejected"
    assert asked(reader(clinic, Role.ADMIN), "reject_reasons")[0] == "1 row was rejected for 1 reason"


def test_of_very_many_files_those_with_rejects_stand_first_and_the_rest_in_sums(clinic: Clinic) -> None:
    files = folding.MOST + 30
    for number in range(files):
        bad = ["X,P,atlantis,ketamine-infusion,2026-01-05 09:00,completed"] * (number in {70, 75}) * (number - 65)
        good = f"B-{number},P1,chicago,ketamine-infusion,2026-01-05 09:00,completed"
        clinic.write(f"bookings-{number:03}.csv", BOOKINGS, good, *bad)
    clinic.publish()
    admin = reader(clinic, Role.ADMIN)
    _, frame, told = asked(admin, "sources")
    assert len(frame) == files + 2
    assert told["file"].tolist() == ["bookings-075.csv", "bookings-070.csv", f"{files - 1} other files", "1 file"]
    assert told["source"].tolist() == ["bookings", "bookings", "bookings", "side_effects"]
    counts = ["rows_read", "rows_accepted", "rows_rejected", "rows_left_out", "bytes"]
    assert told[counts].sum().tolist() == frame[counts].sum().tolist()


def test_no_more_files_are_shown_than_are_read_one_by_one() -> None:
    number = folding.MOST + 20
    frame = pd.DataFrame({"source": "bookings", "file": [f"f{i}" for i in range(number)], "rows_rejected": 1})
    told = folding.by_file(frame.assign(rows_left_out=0), "source", ("rows_rejected",))
    assert told["file"].tolist()[folding.MOST :] == ["20 other files"]
    assert told["rows_rejected"].sum() == number


def test_the_same_reason_in_very_many_files_is_one_line(clinic: Clinic) -> None:
    files = folding.MOST + 10
    for number in range(files):
        bad = "X,P,atlantis,ketamine-infusion,2026-01-05 09:00,completed"
        clinic.write(f"bookings-{number:03}.csv", BOOKINGS, bad)
    clinic.publish()
    answer, frame, told = asked(reader(clinic, Role.ADMIN), "reject_reasons")
    assert answer == f"{files} rows were rejected for 1 reason"
    assert len(frame) == files
    [line] = told[[column.name for column in PANELS["reject_reasons"].columns]].itertuples(index=False)
    assert (line.file, line.lines, line.first_lines) == (f"bookings-000.csv and {files - 1} more files", files, "2")
    printed = [line for line in clinic.report.lines() if "is not a site" in line]
    assert len(printed) == 1
    assert printed[0].startswith(
        f"  bookings-000.csv and {files - 1} more files, {files} lines, first 2: site is not a"
    )
    assert printed[0].endswith("('atlantis')")
    assert len(clinic.report.as_json()["rejects"]) == files


def test_beyond_so_many_reasons_the_rest_are_one_line() -> None:
    number = folding.MOST + 5
    frame = pd.DataFrame(
        {"source": "bookings", "reason": [f"r{i}" for i in range(number)], "file": "f", "lines": range(number, 0, -1)}
    )
    told = folding.by_reason(frame, ("source", "reason"), "lines")
    assert told["reason"].iloc[-1] == "5 other reasons"
    assert told["lines"].sum() == frame["lines"].sum()


def test_what_is_left_out_of_resources_alone_is_no_resource() -> None:
    answer = PANELS["left_out"].answer
    assert answer is not None
    frame = pd.DataFrame({"source": ["Patient"], "what": ["Patient.name"], "rows": [900]})
    assert answer(frame) == "900 values of resources have no place here"
