"""Exports month after month: patients merged and deleted, corrected codes, everything of a clinic in one file."""

from __future__ import annotations

import json

import pytest
from fhir_clinic import (
    SYSTEM,
    actors,
    adverse_event,
    appointment,
    bundle,
    coded,
    encounter,
    location,
    observation,
    patient,
)

FORM = "https://clinic.example/Questionnaire"


def number(value):
    return {"system": SYSTEM, "value": value}


def changed(day, version):
    return {"meta": {"lastUpdated": f"2026-01-{day:02}T00:00:00Z", "versionId": str(version)}}


def linked(kind, to):
    return {"link": [{"type": kind, "other": {"reference": f"Patient/{to}"}}]}


def form(identity="Q1", name="side-effects", **more):
    return {
        "resourceType": "QuestionnaireResponse",
        "id": identity,
        "status": "completed",
        "questionnaire": f"{FORM}/{name}",
        **more,
    }


def deletion(*urls):
    return json.dumps(
        {**bundle(kind="history"), "entry": [{"request": {"method": "DELETE", "url": url}} for url in urls]}
    )


@pytest.mark.parametrize("one_file", [True, False])
def test_side_effect_forms_beside_scores_in_one_file_add_up(fhir, one_file):
    """An export as one file: the forms that are no scores were counted with the scores, and nothing was published."""
    visit = encounter(
        appointment=[{"reference": "Appointment/A1"}],
        period={"start": "2026-01-05T09:00:00-06:00", "end": "2026-01-05T09:40:00-06:00"},
    )
    all_of_them = [patient(), location(), appointment(), visit, observation(), observation("O2", "70274-6")]
    all_of_them += [
        form(encounter={"reference": "Encounter/E1"}),
        adverse_event(encounter={"reference": "Encounter/E1"}),
    ]
    if one_file:
        fhir.document("all.json", bundle(*all_of_them), indent=None)
    else:
        fhir.lines("everything.ndjson", *all_of_them)
    fhir.publish()
    assert fhir.ask("select assessed from bookings") == [(True,)]
    assert fhir.balance()["QuestionnaireResponse"] == (1, 0, 0, 1, 0)
    assert fhir.balance()["Observation"] == (2, 2, 0, 0, 0)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (linked("replaced-by", "P1"), {}),
        ({}, linked("replaces", "P2")),
        (linked("replaced-by", "P1"), linked("replaces", "P2")),
    ],
)
def test_a_merged_patient_is_one_whichever_record_says_so(fhir, old, new):
    fhir.lines("P.ndjson", patient("P2", active=False, **old), patient("P1", **new), location())
    fhir.lines("A.ndjson", appointment(), appointment("A2", "Patient/P2", "Location/L1"))
    fhir.publish()
    assert fhir.ask("select count(*), count(distinct patient) from bookings") == [(2, 1)]


def test_what_refers_to_a_merged_record_that_is_delivered_no_more_is_the_others(fhir):
    fhir.lines("P.ndjson", patient("P1", **linked("replaces", "P2")), location())
    fhir.lines("A.ndjson", appointment(), appointment("A2", "Patient/P2", "Location/L1"))
    fhir.publish()
    assert fhir.ask("select count(*), count(distinct patient) from bookings") == [(2, 1)]


def test_a_record_is_replaced_through_one_that_is_delivered_no_more(fhir):
    """P3 went into P2, and P2 into P1, of which P2 is gone."""
    fhir.lines(
        "P.ndjson", patient(**linked("replaces", "P2")), patient("P3", **linked("replaced-by", "P2")), location()
    )
    fhir.lines("A.ndjson", appointment(), appointment("A3", "Patient/P3", "Location/L1"))
    fhir.publish()
    assert fhir.ask("select count(*), count(distinct patient) from bookings") == [(2, 1)]


def test_merged_records_that_share_a_number_are_found_by_it(fhir):
    """The record that stays mostly takes over the numbers of the one that went."""
    fhir.lines(
        "P.ndjson",
        patient("P1", identifier=[number("7"), number("8")]),
        patient("P2", identifier=[number("8")], **linked("replaced-by", "P1")),
        patient("P3", identifier=[number("9")]),
        patient("P4", identifier=[number("9")]),
        location(),
    )
    by_search = {"reference": f"Patient?identifier={SYSTEM}|8"}
    unclear = {"reference": f"Patient?identifier={SYSTEM}|9"}
    fhir.lines(
        "A.ndjson",
        appointment(),
        appointment("A2", participant=actors(by_search, "Location/L1")),
        appointment("A3", participant=actors({"identifier": number("8"), "type": "Patient"}, "Location/L1")),
        appointment("A4", participant=actors(unclear, "Location/L1")),
    )
    fhir.publish()
    assert fhir.ask("select count(*), count(distinct patient) from bookings") == [(3, 1)]
    assert fhir.ask("select reason from rejects") == [("leads to several resources of the delivery",)]


def test_a_merge_that_a_later_version_takes_back_is_none(fhir):
    fhir.lines("1.ndjson", patient("P2", **linked("replaced-by", "P1"), **changed(5, 1)), patient("P1"), location())
    fhir.lines("2.ndjson", patient("P2", **changed(6, 2)))
    fhir.lines("A.ndjson", appointment(), appointment("A2", "Patient/P2", "Location/L1"))
    fhir.publish()
    assert fhir.ask("select count(*), count(distinct patient) from bookings") == [(2, 2)]


@pytest.mark.parametrize("merged", [True, False])
def test_a_deleted_patient_that_is_found_by_number_breaks_no_import(fhir, merged):
    """What was deleted by the deletions of an export stood in the files before it."""
    by_search = {"reference": f"Patient?identifier={SYSTEM}|8"}
    link = linked("replaced-by", "P1") if merged else {}
    fhir.lines("P.ndjson", patient("P1"), patient("P2", identifier=[number("8")], **link), location())
    fhir.lines("A.ndjson", appointment(), appointment("A2", participant=actors(by_search, "Location/L1")))
    fhir.write("deleted.ndjson", deletion("Patient/P2"))
    fhir.publish()
    if merged:
        assert fhir.ask("select count(*), count(distinct patient) from bookings") == [(2, 1)]
    else:
        assert fhir.ask("select booking_id from bookings") == [("A1",)]
        reason = "refers to a resource Patient that is not in the delivery"
        assert fhir.ask("select reason from rejects") == [(reason,)]


@pytest.mark.parametrize("turn", [1, -1])
def test_a_score_whose_later_version_has_another_code_is_none(fhir, turn):
    fhir.lines("P.ndjson", patient(), location(), appointment(), observation("O2", **changed(5, 1)))
    pulse = {"code": coded("8867-4", "http://loinc.org"), "valueInteger": 72}
    versions = [observation(**changed(5, 1)), observation(**changed(6, 2)) | pulse][::turn]
    for place, one in enumerate(versions):
        fhir.lines(f"O-{place}.ndjson", one)
    fhir.publish()
    assert fhir.ask("select score_id from scores") == [("O2",)]
    assert fhir.balance()["Observation"] == (3, 1, 1, 0, 1)
