"""Drafts of mappings for workbooks: which sheets are one table, and how a mapping names them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from intake_clinic import Clinic
from intake_drafts import draft_mapping, load_reference
from intake_workbooks import HEADER, visit, write


def test_the_draft_of_a_workbook_reads_its_sheets(tmp_path: Path) -> None:
    folder, mapping = tmp_path / "export", tmp_path / "draft.toml"
    folder.mkdir()
    header = ["Appt ID", "Patient ID", "Service", "Start", "Status"]
    rows = {site: [[f"{site} appointments"], [], header] for site in ("Chicago", "Dallas")}
    for number in range(30):
        start = dt.datetime(2026, 1, 5 + number % 20, 9, 30)
        rows["Chicago" if number % 2 else "Dallas"].append([number, number % 7, "Vitamin C", start, "Completed"])
    events = [["Event ID", "Appt ID", "Side effect"], [1, 4, "Nausea"], [2, 9, "Dizziness"]]
    write(folder / "practice.xlsx", Notes=[["Of the practice system"]], **rows, Adverse_events=events)
    (folder / "~$practice.xlsx").write_bytes(b"lock")
    mapping.write_text(draft_mapping(folder, load_reference()))
    assert 'sheet = ["Chicago", "Dallas"]' in mapping.read_text()
    assert "# - practice.xlsx [Notes]: " in mapping.read_text()
    assert "~$" not in mapping.read_text()
    clinic = Clinic(tmp_path)
    clinic.delivery = folder
    report = clinic.publish(mapping=mapping)
    assert (report.rows_accepted, report.rows_rejected) == (32, 0)
    assert clinic.ask("select site::varchar, count(*) from bookings group by all order by all") == [
        ("chicago", 15), ("dallas", 15),
    ]  # fmt: skip
    assert clinic.ask("select effect::varchar, site::varchar from side_effects order by event_id") == [
        ("nausea", "dallas"), ("dizziness", "chicago"),
    ]  # fmt: skip


def test_the_draft_takes_a_site_from_another_sheet(tmp_path: Path) -> None:
    folder, mapping = tmp_path / "export", tmp_path / "draft.toml"
    folder.mkdir()
    header = ["booking_id", "patient_id", "location_id", "service", "starts_at", "status"]
    visits = [visit(number, number % 2 + 1) for number in range(1, 9)]
    write(
        folder / "all.xlsx",
        Visits=[header, *visits],
        Locations=[["location_id", "site"], [1, "Chicago"], [2, "Dallas"]],
    )
    mapping.write_text(draft_mapping(folder, load_reference()))
    clinic = Clinic(tmp_path)
    clinic.delivery = folder
    clinic.publish(mapping=mapping)
    assert clinic.ask("select site::varchar, count(*) from bookings group by all order by all") == [
        ("chicago", 4), ("dallas", 4),
    ]  # fmt: skip


def test_workbooks_with_the_same_sheets_are_one_table(tmp_path: Path) -> None:
    folder, mapping = tmp_path / "export", tmp_path / "draft.toml"
    folder.mkdir()
    events = [["event_id", "booking_id", "effect"], [1, 3, "nausea"]]
    for month, first in (("january", 1), ("february", 4)):
        visits = [HEADER, *(visit(number) for number in range(first, first + 3))]
        write(folder / f"{month}.xlsx", Visits=visits, Events=events if first == 1 else events[:1])
    mapping.write_text(draft_mapping(folder, load_reference()))
    clinic = Clinic(tmp_path)
    clinic.delivery = folder
    report = clinic.publish(mapping=mapping)
    assert (report.rows_accepted, report.rows_rejected) == (7, 0)
    assert [one.file for one in report.files] == [
        "february.xlsx [Visits]", "january.xlsx [Visits]", "february.xlsx [Events]", "january.xlsx [Events]",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("books", "settings"),
    [
        ({"January": "Jan Notes", "February": "Feb Notes"}, ['file = ["February.xlsx", "January.xlsx"]', "sheet = 1"]),
        ({"m1": "Notes Jan_North Jan_South", "m2": "Notes Feb_North Feb_South"}, ['file = "m*.xlsx"', "sheet = [2, 3]"]),
        ({"one": "Visits_1 Notes Visits_2", "two": "Notes Visits_12"}, ['file = ["one.xlsx", "two.xlsx"]', 'sheet = "Visits *"']),
        ({"one": "Visits_May Notes", "two": "Notes Visits_June"}, ['file = ["one.xlsx", "two.xlsx"]', 'sheet = "Visits *"']),
        ({"north": "May June", "south": "July August October"}, ['file = ["north.xlsx", "south.xlsx"]', 'sheet = "*"']),
    ],
)  # fmt: skip
def test_sheets_of_several_workbooks_are_one_section(
    tmp_path: Path, books: dict[str, str], settings: list[str]
) -> None:
    """Whatever they are called: by a pattern or by numbers, so that no other sheet is taken."""
    folder, mapping, visits = tmp_path / "export", tmp_path / "draft.toml", 0
    folder.mkdir()
    for name, sheets in books.items():
        rows = {sheet: [HEADER, visit(f"{name} {sheet}")] for sheet in sheets.split() if sheet != "Notes"}
        visits += len(rows)
        write(folder / f"{name}.xlsx", **{sheet: rows.get(sheet, [["Confidential"]]) for sheet in sheets.split()})
    mapping.write_text(draft_mapping(folder, load_reference()))
    assert "\n".join(settings) in mapping.read_text()
    clinic = Clinic(tmp_path)
    clinic.delivery = folder
    report = clinic.publish(mapping=mapping)
    assert (report.rows_accepted, report.rows_rejected) == (visits, 0)


def test_sheets_that_no_setting_names_are_no_section(tmp_path: Path) -> None:
    """A section's sheets are read from each of its files."""
    write(tmp_path / "north.xlsx", May=[HEADER, visit(1)], Notes=[["Confidential"]])
    write(tmp_path / "south.xlsx", Notes=[["Confidential"]], July=[HEADER, visit(2)])
    draft = draft_mapping(tmp_path, load_reference())
    [read, left] = sorted(("north.xlsx [May]", "south.xlsx [July]"), key=lambda name: f"# - {name}: " in draft)
    assert f'file = "{read.split()[0]}"\nsheet = "{read.split()[1][1:-1]}"' in draft
    assert f"# - {left}: " in draft
    assert f"# - {read}: " not in draft
