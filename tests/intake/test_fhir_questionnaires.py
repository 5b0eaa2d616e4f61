"""Forms of PHQ-9 and GAD-7 become scores where their total is plain, and no second time."""

from __future__ import annotations

import pytest
from fhir_clinic import appointment, location, observation, patient

from dashboard.intake.fhir.terms import ANSWERS, QUESTIONS

LOINC = "http://loinc.org"
PHQ, GAD = (sorted(QUESTIONS[name]) for name in ("PHQ-9", "GAD-7"))
NINE = [0, 1, 2, 3, 0, 1, 2, 3, 1]
SEVEN = [3, 3, 3, 0, 1, 2, 1]
NO_TOTAL = ("QuestionnaireResponse", "answers to PHQ-9 or GAD-7 without a total, and not all answers are 0 to 3")
TOLD = ("QuestionnaireResponse", "answers of which an Observation tells the score")


def answer(link, **value):
    return {"linkId": link, "answer": [value]}


def whole(codes, values, before="/"):
    return [answer(f"{before}{code}", valueInteger=value) for code, value in zip(codes, values, strict=True)]


def coded_answers(codes, values):
    names = {number: code for code, number in ANSWERS.items()}
    return [
        answer(code, valueCoding={"system": LOINC, "code": names[value]})
        for code, value in zip(codes, values, strict=True)
    ]


def weighed(codes, values):
    url = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
    return [
        answer(code, valueCoding={"code": f"a{n}", "extension": [{"url": url, "valueDecimal": value}]})
        for n, (code, value) in enumerate(zip(codes, values, strict=True))
    ]


def form(items, identity="Q1", questionnaire="http://loinc.org/q/44249-1", **more):
    return {
        "resourceType": "QuestionnaireResponse",
        "id": identity,
        "questionnaire": questionnaire,
        "status": "completed",
        "subject": {"reference": "Patient/P1"},
        "authored": "2026-01-06T08:30:00-06:00",
        "item": items,
        **more,
    }


TOTAL = answer("/44261-6", valueDecimal=13)
DIFFICULTY = answer("/69722-7", valueInteger=2)
GROUPS = [{"linkId": "first", "item": whole(PHQ[:4], NINE[:4])}, {"linkId": "then", "item": whole(PHQ[4:], NINE[4:])}]


@pytest.fixture
def visit(fhir):
    fhir.lines("all.ndjson", patient(), location(), appointment())
    return fhir


@pytest.mark.parametrize(
    ("items", "questionnaire"),
    [
        (whole(PHQ, NINE), "http://loinc.org/q/44249-1"),
        (whole(PHQ, NINE), "Questionnaire/phq-9|1.0"),
        (coded_answers(PHQ, NINE), "https://clinic.example/PHQ9"),
        (weighed(PHQ, NINE), "https://clinic.example/PHQ9"),
        (whole([f"q{n}" for n in range(9)], NINE, ""), "https://clinic.example/PHQ9"),
        (GROUPS, "https://clinic.example/PHQ9"),
        ([*whole(PHQ, NINE), DIFFICULTY], "https://clinic.example/PHQ9"),
        ([*whole(PHQ, NINE), TOTAL], "https://clinic.example/PHQ9"),
        ([*whole(PHQ[:3], NINE[:3]), TOTAL], "https://clinic.example/PHQ9"),
        ([answer("/44249-1", valueString="done"), *whole(PHQ, NINE)], "https://clinic.example/PHQ9"),
    ],
    ids=[
        "LOINC",
        "by name",
        "codes",
        "weights",
        "other links",
        "groups",
        "difficulty",
        "total",
        "total alone",
        "panel",
    ],
)
def test_a_plain_total_is_a_score(visit, items, questionnaire):
    visit.lines("forms.ndjson", form(items, questionnaire=questionnaire))
    visit.publish()
    found = visit.ask("select score_id, instrument, taken_at::varchar, score from scores")
    assert found == [("QuestionnaireResponse/Q1", "PHQ-9", "2026-01-06 08:30:00", 13)]
    assert visit.balance()["QuestionnaireResponse"] == (1, 1, 0, 0, 0)
    assert ("QuestionnaireResponse.item", "has no place in the contract") not in visit.left_out()


def test_answers_to_the_gad_7_are_a_score_of_it(visit):
    visit.lines("forms.ndjson", form(whole(GAD, SEVEN), questionnaire="http://loinc.org/q/69737-5"))
    assert visit.read().rows["scores"][0]["instrument"] == "GAD-7"
    assert visit.read().column("scores", "score") == ["13"]


@pytest.mark.parametrize(
    "items",
    [
        whole(PHQ[:8], NINE[:8]),
        whole(PHQ, [4, *NINE[1:]]),
        whole(PHQ, [-1, *NINE[1:]]),
        whole([*PHQ[:8], PHQ[0]], NINE),
        whole([f"q{n}" for n in range(10)], [*NINE, 0], ""),
        [*whole([f"q{n}" for n in range(9)], NINE, ""), answer("q9", valueString="a note")],
        [{"linkId": PHQ[0], "answer": [{"valueInteger": 1}, {"valueInteger": 1}]}, *whole(PHQ[1:], NINE[1:])],
        [answer(PHQ[0], valueString="1"), *whole(PHQ[1:], NINE[1:])],
        [],
    ],
    ids=["one lacks", "4", "-1", "one twice", "ten without codes", "nine and a text", "two answers", "text", "none"],
)
def test_without_a_plain_total_there_is_no_score(visit, items):
    visit.lines("forms.ndjson", form(items) if items else {k: v for k, v in form(items).items() if k != "item"})
    records = visit.read()
    assert "scores" not in records.rows
    assert records.left_out[NO_TOTAL] == 1


def test_a_total_that_is_not_the_sum_is_rejected(visit):
    visit.lines("forms.ndjson", form([*whole(PHQ, [0, *NINE[:8]]), TOTAL]))
    why = "states a total that is not the sum of its answers"
    assert visit.read().faults == [("QuestionnaireResponse.item", None, why)]


@pytest.mark.parametrize("status", ["in-progress", "stopped", "entered-in-error"])
def test_forms_that_are_not_completed_are_left_out(visit, status):
    visit.lines("forms.ndjson", form(whole(PHQ, NINE), status=status))
    assert visit.read().left_out["QuestionnaireResponse", f"status {status}: not completed"] == 1


@pytest.mark.parametrize("missing", ["subject", "authored"])
def test_a_form_without_patient_or_time_is_rejected(visit, missing):
    given = form(whole(PHQ, NINE))
    del given[missing]
    visit.lines("forms.ndjson", given)
    assert [column for column, _, _ in visit.read().faults] == [f"QuestionnaireResponse.{missing}"]


@pytest.mark.parametrize(
    ("observed", "authored"),
    [
        ({"effectiveDateTime": "2026-01-06T08:30:00-06:00"}, "2026-01-06T08:31:00-06:00"),
        ({"effectiveDateTime": "2026-01-06"}, "2026-01-06T23:30:00-06:00"),
        ({"effectiveDateTime": "2026-01-07T05:30:00Z"}, "2026-01-06T23:30:00-06:00"),
        ({"derivedFrom": [{"reference": "QuestionnaireResponse/Q1"}]}, "2026-01-09"),
    ],
    ids=["same day", "date", "same moment", "derived"],
)
def test_a_form_whose_score_an_observation_tells_makes_no_second_one(visit, observed, authored):
    visit.lines("all2.ndjson", form(whole(PHQ, NINE), authored=authored), observation(**observed))
    visit.publish()
    assert visit.ask("select score_id, score from scores") == [("O1", 14)]
    assert visit.left_out()[TOLD] == 1


def test_a_form_of_another_day_questionnaire_or_patient_is_a_score_of_its_own(visit):
    visit.lines("more.ndjson", patient("P2"), appointment("A2", "Patient/P2", "Location/L1"), observation())
    visit.lines(
        "forms.ndjson",
        form(whole(PHQ, NINE), "O1"),
        form(whole(GAD, SEVEN), "Q2", "gad-7", authored="2026-01-05T08:30:00-06:00"),
        form(whole(PHQ, NINE), "Q3", authored="2026-01-05T08:30:00-06:00", subject={"reference": "Patient/P2"}),
    )
    visit.publish()
    forms = {f"QuestionnaireResponse/{one}" for one in ("O1", "Q2", "Q3")}
    assert set(visit.ask("select score_id from scores")) == {(one,) for one in ("O1", *forms)}


def test_forms_and_observations_of_one_file_are_accounted_apart(visit):
    broken = form(whole(PHQ, NINE), "Q2") | {"status": "done"}
    other = form([], "Q3", "intake")
    del other["item"]
    visit.write("one.json", "")
    visit.lines("both.ndjson", form(whole(PHQ, NINE)), observation(), other)
    with (visit.delivery / "both.ndjson").open("a", encoding="utf-8") as file:
        file.write(str(broken).replace("'", '"') + "\n")
    visit.publish()
    assert visit.balance()["QuestionnaireResponse"] == (3, 1, 1, 0, 1)
    assert visit.balance()["Observation"] == (1, 1, 0, 0, 0)
    assert visit.rejects() == [("both.ndjson#forms", 4, "QuestionnaireResponse.status", "done")]
