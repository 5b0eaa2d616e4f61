"""A study's files through the mapping of the docs: incidence by arm as the study's own table has it."""

from __future__ import annotations

import csv
import re
import shutil
from pathlib import Path

import duckdb
import pytest
from intake_clinic import Clinic

from dashboard import filters, panels
from dashboard.access import Role, Viewer
from dashboard.exports import scope_of
from dashboard.settings import ROOT, Settings
from dashboard.shelf import Shelf
from dashboard.warehouse import Reader

ARMS = {"placebo": "Placebo", "low": "Xanomeline Low Dose", "high": "Xanomeline High Dose"}
#: CDISC SDTM/ADaM pilot (CDISCPILOT01), table 14-5.01, safety population: subjects of each arm.
SUBJECTS = {"Placebo": 86, "Xanomeline Low Dose": 84, "Xanomeline High Dose": 84}
#: Of the same table, by arm: subjects with at least one treatment-emergent event, in per cent, events.
PUBLISHED = {
    "ANY": [(65, 75.6, 281), (77, 91.7, 412), (76, 90.5, 433)],
    "SINUS BRADYCARDIA": [(2, 2.3, 2), (7, 8.3, 10), (8, 9.5, 12)],
    "MYOCARDIAL INFARCTION": [(4, 4.7, 4), (2, 2.4, 4), (4, 4.8, 8)],
    "ATRIAL FIBRILLATION": [(1, 1.2, 1), (1, 1.2, 1), (3, 3.6, 5)],
}
REST = "OTHER EVENT"
ADSL = ("STUDYID", "USUBJID", "TRT01A", "SAFFL", "AGE", "SEX", "TRTSDT")
ADAE = ("STUDYID", "USUBJID", "AESEQ", "AEDECOD", "AESEV", "AESER", "TRTEMFL", "ASTDT")


def write(path: Path, header: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def subject(arm: str, number: int) -> str:
    return f"01-{arm[-8:].strip()}-{number:04d}"


def study(folder: Path) -> None:
    """Files of subjects and events whose counts by arm are the published ones, whoever had which."""
    people: list[tuple[object, ...]] = []
    events: list[tuple[object, ...]] = []

    def event(arm: str, number: int, term: str, flag: str = "Y") -> None:
        began = "2013-01-01" if flag == "" else "2013-03-04"
        severity = ("MILD", "MODERATE", "SEVERE")[number % 3]
        events.append(("P01", subject(arm, number), len(events), term, severity, "N", flag, began))

    for place, (arm, size) in enumerate(SUBJECTS.items()):
        people += [
            ("P01", subject(arm, number), arm, "Y", 50 + number % 39, "F", "2013-02-15") for number in range(size)
        ]
        # Randomised and never treated: in no denominator.
        people.append(("P01", subject(arm, 900), arm, "N", 70, "M", "2013-02-15"))
        with_any, _, total = PUBLISHED["ANY"][place]
        told = 0
        for term, counts in PUBLISHED.items():
            if term == "ANY":
                continue
            affected, _, times = counts[place]
            for number in range(times):
                event(arm, number % affected, term)
            told += times
        for number in range(total - told):
            event(arm, number % with_any, REST)
        # Before treatment: in no numerator.
        for number in range(5):
            event(arm, size - 1 - number, "SINUS BRADYCARDIA", flag="")
    write(folder / "adsl.csv", ADSL, people)
    write(folder / "adae.csv", ADAE, events)


@pytest.fixture(scope="module")
def clinic(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    clinic = Clinic(folder)
    for path in clinic.delivery.iterdir():
        path.unlink()
    study(clinic.delivery)
    docs = (ROOT / "docs" / "mapping.md").read_text(encoding="utf-8")
    part = docs.split("## Worked example: incidence as a study's table has it")[1]
    mapping = folder / "study.toml"
    mapping.write_text(re.search(r"```toml\n(.*?)```", part, re.DOTALL)[1], encoding="utf-8")
    own = folder / "reference"
    shutil.copytree(ROOT / "data" / "reference", own)
    arms = [(key, name, name, "America/New_York", 1, "08:00", "18:00", "Mon") for key, name in ARMS.items()]
    write(own / "sites.csv", ("site", "name", "city", "timezone", "chairs", "opens", "closes", "open_days"), arms)
    clinic.publish(mapping=mapping, reference=own)
    return clinic


@pytest.fixture(scope="module")
def reader(clinic):
    house = Shelf(Settings(data=clinic.data)).current()
    yield Reader(house, Viewer("d", "Director", Role.MEDICAL_DIRECTOR))
    house.close()


def shown(reader, name):
    scope = scope_of(reader)
    days = {"period": ["custom"], "from": [scope.first_day.isoformat()], "to": [scope.last_day.isoformat()]}
    return panels.rows(reader, name, filters.parse(days, scope))


@pytest.mark.parametrize("term", [term for term in PUBLISHED if term != "ANY"])
def test_subjects_percentages_and_events_of_a_term_are_those_published(reader, term):
    rows = shown(reader, "effects_by_site")
    rows = rows[rows["effect"].str.upper() == term].set_index("site")
    for (arm, size), (affected, percent, times) in zip(SUBJECTS.items(), PUBLISHED[term], strict=True):
        row = rows.loc[arm]
        assert (row["patient_numerator"], row["patient_denominator"], row["events"]) == (affected, size, times)
        assert round(row["patient_value"], 1) == percent


def test_subjects_with_at_least_one_event_are_those_published(reader):
    rows = shown(reader, "safety_outcomes").set_index(["metric", "site"])
    for (arm, size), (affected, percent, times) in zip(SUBJECTS.items(), PUBLISHED["ANY"], strict=True):
        row = rows.loc[("any_effect_patients", arm)]
        assert (row["numerator"], row["denominator"], round(row["value"], 1)) == (affected, size, percent)
        assert rows.loc[("events", arm), "value"] == times
    every = rows.loc[("any_effect_patients", "All sites")]
    assert (every["numerator"], every["denominator"]) == (65 + 77 + 76, 254)


def test_what_is_not_of_the_table_is_among_the_rejects_and_nothing_is_lost(clinic, tmp_path):
    # A copy, since one process opens a file in one way only.
    with duckdb.connect(str(shutil.copy(clinic.report.path, tmp_path)), read_only=True) as connection:
        found = connection.execute(
            "select source, rows_read, rows_accepted, rows_rejected from sources order by source"
        ).fetchall()
    events = 281 + 412 + 433
    assert found == [("bookings", 254 + 3, 254 + 3, 0), ("side_effects", events + 15, events, 15)]
