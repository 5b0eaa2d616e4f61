"""Scores among observations of all kinds, as other systems export them in one file."""

from __future__ import annotations

from pathlib import Path

import pytest
from intake_drafts import drafted, imported

VISITS = [
    "Appointment ID,Client ID,Location,Service,Status,Start",
    "A1,p1,Chicago,Myers cocktail,Completed,2026-01-05 09:00",
    "A2,p2,Chicago,Myers cocktail,Completed,2026-01-06 09:00",
]
HEAD = "DATE,PATIENT,ENCOUNTER,CATEGORY,CODE,DESCRIPTION,VALUE,UNITS,TYPE"
PHQ = "44261-6,Patient Health Questionnaire 9 item (PHQ-9) total score [Reported],14.0,{score},numeric"
GAD = "70274-6,Generalized anxiety disorder 7 item (GAD-7) total score [Reported.PHQ],9.0,{score},numeric"
OTHERS = [
    "2026-01-05T09:00:00Z,p1,e1,vital-signs,8302-2,Body Height,170.5,cm,numeric",
    "2026-01-05T09:00:00Z,p1,,vital-signs,72514-3,Pain severity [Score],2.0,{score},numeric",
    "2026-01-06T09:00:00Z,p2,e2,social-history,72166-2,Tobacco smoking status,Never smoked (finding),,text",
]


def scores(tmp_path: Path, *observations: str) -> tuple[list[tuple[object, ...]], int, str]:
    """The scores of an import by the untouched draft, how many rows were rejected, and the draft."""
    clinic, text = imported(tmp_path, visits=VISITS, observations=list(observations))
    found = clinic.ask("select instrument, score from scores order by score desc")
    return found, clinic.report.rows_rejected, text


def test_of_coded_observations_the_total_scores_are_taken(tmp_path: Path) -> None:
    mixed = [f"2026-01-05T09:00:00Z,p1,e1,survey,{PHQ}", *OTHERS, f"2026-01-06T09:00:00Z,p2,e2,survey,{GAD}"]
    found, rejected, text = scores(tmp_path, HEAD, *mixed)
    assert found == [("PHQ-9", 14), ("GAD-7", 9)], text
    assert rejected == 0
    assert 'only = { column = "CODE", values = ["44261-6", "70274-6"] }' in text


def test_also_where_the_sample_has_none_of_them(tmp_path: Path) -> None:
    found, rejected, text = scores(tmp_path, HEAD, *OTHERS * 700, f"2026-01-05T09:00:00Z,p1,e1,survey,{PHQ}")
    assert found == [("PHQ-9", 14)], text
    assert rejected == 0


def test_of_named_ones_likewise(tmp_path: Path) -> None:
    lines = ["Client ID,Date,Measure,Result", "p1,2026-01-05,Weight,80", "p1,2026-01-05,PHQ-9 total,14"]
    lines += ["p1,2026-01-05,PHQ-9 item 1,2", "p2,2026-01-06,GAD-7,9"]
    found, rejected, text = scores(tmp_path, *lines)
    assert found == [("PHQ-9", 14), ("GAD-7", 9)], text
    assert rejected == 0


@pytest.mark.parametrize(
    "kinds",
    [
        # Which of the two it is nobody says.
        ("PHQ-9 (baseline)", "PHQ-9 (day 7)", "Weight"),
        # All are scores.
        ("PHQ-9", "GAD-7", "PHQ-9"),
    ],
)
def test_no_row_is_left_out_where_they_may_all_be_meant(tmp_path: Path, kinds: tuple[str, ...]) -> None:
    lines = [f"p1,2026-01-05,{kind},{n}" for n, kind in enumerate(kinds)]
    text, _ = drafted(tmp_path, visits=VISITS, scores=["Client ID,Date,Measure,Result", *lines])
    assert "only =" not in text
