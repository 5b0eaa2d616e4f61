"""A site or service that the visits tell by a key into a second file."""

from __future__ import annotations

from pathlib import Path

import pytest
from intake_drafts import drafted, imported

HEAD = "Appointment ID,Client ID,Start,Status"
SITES = ["Code,Name,Phone", "7,Chicago,1", "8,Dallas,2", "9,Miami Beach,3"]
VISITS = [
    f"{HEAD},Service,Clinic ID",
    "A1,P1,2026-01-05 09:00,Completed,Myers cocktail,7",
    "A2,P2,2026-01-06 09:00,Completed,Myers cocktail,8",
    "A3,P3,2026-01-07 09:00,Completed,Myers cocktail,7",
]


def test_a_site_is_taken_from_the_file_whose_key_fits(tmp_path: Path) -> None:
    clinic, text = imported(tmp_path, visits=VISITS, places=SITES)
    assert clinic.ask("select site from bookings order by booking_id") == [("chicago",), ("dallas",), ("chicago",)], (
        text
    )
    assert "takes anything from" not in text


def test_of_a_column_that_no_name_tells(tmp_path: Path) -> None:
    lines = [VISITS[0].replace("Clinic ID", "Ref"), *VISITS[1:]]
    clinic, text = imported(tmp_path, visits=lines, places=SITES)
    assert clinic.ask("select distinct site from bookings order by 1") == [("chicago",), ("dallas",)], text


def test_names_that_need_words_get_them(tmp_path: Path) -> None:
    places = [line.replace("Name", "Location").replace("Chicago", "Chicago Clinic") for line in SITES]
    more = [f"B{n},P{n},2026-02-0{n} 09:00,Completed,Myers cocktail,{7 + n % 2}" for n in range(1, 5)]
    clinic, text = imported(tmp_path, visits=[*VISITS, *more], places=places)
    assert '"Chicago Clinic" = "chicago"' in text
    assert clinic.ask("select distinct site from bookings order by 1") == [("chicago",), ("dallas",)], text


def test_a_service_likewise(tmp_path: Path) -> None:
    lines = [
        f"{HEAD},Location,Treatment",
        "A1,P1,2026-01-05 09:00,Completed,Chicago,T-1",
        "A2,P2,2026-01-06 09:00,Completed,Dallas,T-2",
        "A3,P3,2026-01-07 09:00,Completed,Dallas,T-1",
        "A4,P4,2026-01-08 09:00,Completed,Dallas,T-2",
    ]
    menu = ["Treatment,Service Name", "T-1,Myers cocktail", "T-2,Vitamin C infusion", "T-3,Ann's own mix"]
    clinic, text = imported(tmp_path, visits=lines, menu=menu)
    found = clinic.ask("select service from bookings order by booking_id")
    assert found == [("vitamin-myers",), ("vitamin-c",)] * 2, text
    assert "Ann" not in text


@pytest.mark.parametrize(
    ("visits", "places"),
    [
        # Rooms have the same numbers.
        ([f"{HEAD},Service,Ref,Room", *(f"{line},{7 + n}" for n, line in enumerate(VISITS[1:]))], SITES),
        # One of the visits' keys is unknown.
        ([*VISITS, "A4,P4,2026-01-08 09:00,Completed,Myers cocktail,6"], SITES),
        # A key stands twice.
        (VISITS, [*SITES, "7,Dallas,4"]),
        # The second file holds no site.
        (VISITS, ["Code,Name", "7,North", "8,South"]),
    ],
)
def test_where_no_one_key_fits_it_is_left_to_a_person(tmp_path: Path, visits: list[str], places: list[str]) -> None:
    text, _ = drafted(tmp_path, visits=visits, places=places)
    assert "places.csv" in text.partition("# Files that no table takes anything from:")[2]
    assert "other_key" not in text


def test_where_a_patient_lives_is_no_site(tmp_path: Path) -> None:
    visits = [f"{HEAD},Service", *(line.rpartition(",")[0] for line in VISITS[1:])]
    patients = ["Client ID,Birth Date,City", "P1,1980-01-01,Chicago", "P2,1980-01-01,Dallas", "P3,1980-01-01,Dallas"]
    text, draft = drafted(tmp_path, visits=visits, patients=patients)
    assert draft["bookings"]["columns"]["birth_date"]["join"] == "patients"
    assert "constant" in draft["bookings"]["columns"]["site"], text
