"""Charges, invoices and scores: what they become, at and beside every threshold."""

from __future__ import annotations

import pytest
from fhir_clinic import coded, invoice, observation


def charge(identity="C1", amount=475.0, status="billed", **more):
    money = {} if amount is None else {"priceOverride": {"value": amount, "currency": "USD"}}
    return {
        "resourceType": "ChargeItem",
        "id": identity,
        "status": status,
        "code": coded("ketamine-infusion"),
        "subject": {"reference": "Patient/P1"},
        **({"context": {"reference": "Encounter/E1"}} if "supportingInformation" not in more else {}),
        **money,
        **more,
    }


def test_charges_add_up_to_the_price(visit):
    visit.lines(
        "ChargeItem.ndjson",
        charge("C1", 450.5),
        charge("C2", 0.07, supportingInformation=[{"reference": "Appointment/A1"}]),
        charge("C3", 1, status="aborted"),
        charge("C4", None, supportingInformation=[]),
        charge("C5", 1, context={"reference": "Encounter/E9"}),
        charge("C1", 1000),
        charge("C6", 0.001, supportingInformation=[]),
        charge("C7", 1, priceOverride={"value": 1, "currency": "EUR"}, supportingInformation=[]),
    )
    records = visit.read()
    assert records.column("bookings", "price") == ["450.57"]
    assert [(column, value) for column, value, _ in records.rejects] == [
        ("ChargeItem.context", "Encounter/E9"),
        ("ChargeItem.id", "C1"),
        ("ChargeItem.priceOverride", "0.001"),
    ]
    assert {reason for (what, reason) in records.left_out if what == "ChargeItem"} == {
        "status aborted",
        "without priceOverride: its price stands elsewhere, and its booking gets none",
        "its amount is not in USD, and its booking gets no price",
    }


@pytest.mark.parametrize(
    "part", [{"priceOverride": None}, {"amount": -5}, {"amount": 1, "priceOverride": {"value": 1, "currency": "EUR"}}]
)
@pytest.mark.parametrize("turn", [1, -1])
def test_a_sum_without_one_of_its_parts_is_no_price(visit, part, turn):
    part = charge("C2", part.get("amount"), **{k: v for k, v in part.items() if k != "amount" and v})
    visit.lines("ChargeItem.ndjson", *[charge("C1", 450.5), part][::turn])
    assert visit.read().column("bookings", "price") == [None]


def test_balanced_invoices_are_payments(visit):
    visit.lines("ChargeItem.ndjson", charge())
    line = [{"chargeItemReference": {"reference": "ChargeItem/C1"}}]
    net = invoice("I2", totalNet={"value": 100.1, "currency": "USD"})
    del net["totalGross"]
    empty = invoice("I6")
    del empty["totalGross"]
    visit.lines(
        "Invoice.ndjson",
        invoice("I1", 475.0, lineItem=line, date="2026-01-05T10:00:00-06:00"),
        net,
        invoice("I3", -20),
        invoice("I4", 2850, type=coded("package_sale")),
        invoice("I5", status="issued"),
        empty,
        invoice("I7", 1.005),
        invoice("I11", 1e300),
        invoice("I8", date="2026"),
        invoice("I9", lineItem=[{"chargeItemReference": {"reference": "ChargeItem/C9"}}]),
        invoice("I10", subject={"reference": "Patient/P9"}),
    )
    records = visit.read()
    assert [tuple(row.get(n) for n in ("payment_id", "kind", "amount", "booking_id", "paid_at")) for row in records.rows["payments"]] == [
        ("I1", "payment", "475.00", "A1", "2026-01-05T10:00:00-06:00"),
        ("I2", "payment", "100.10", None, "2026-01-05 00:00"),
        ("I3", "refund", "20.00", None, "2026-01-05 00:00"),
        ("I4", "package_sale", "2850.00", None, "2026-01-05 00:00"),
    ]  # fmt: skip
    assert [fault[:2] for fault in records.faults] == [
        ("Invoice.totalGross", "1.005"),
        ("Invoice.totalGross", "1e+300"),
        ("Invoice.date", "2026"),
        ("Invoice.lineItem", "ChargeItem/C9"),
        ("Invoice.subject", "(not shown)"),
    ]
    assert records.left_out["Invoice", "status issued: not paid yet"] == 1
    assert records.left_out["Invoice", "without totalGross and totalNet"] == 1


def part(code, **value):
    return {"code": coded(code, "http://loinc.org"), **value}


def test_scores_are_total_scores(visit):
    quantity = {"value": 9, "unit": "{score}"}
    visit.lines(
        "Observation.ndjson",
        observation("O1"),
        observation("O2", "70274-6", valueQuantity=quantity),
        observation("O3", "44249-1", component=[part("44261-6", valueInteger=3), part("44250-9", valueInteger=1)]),
        observation("O4", "44249-1", valueQuantity={"value": 12.0}),
        observation(
            "O5", "1-8", component=[part("44261-6", valueInteger=5), part("69737-5", valueQuantity={"value": 6})]
        ),
        observation("O6", "44249-1", dataAbsentReason=coded("unknown")),
        observation("O7", status="preliminary"),
        observation("O8", valueQuantity={"value": 7.5}),
        observation("O9", subject={"reference": "Patient/P9"}),
        observation("O10", effectiveDateTime="2026-01-05"),
    )
    records = visit.read()
    assert [tuple(row[n] for n in ("score_id", "instrument", "score")) for row in records.rows["scores"]] == [
        ("O1", "PHQ-9", "14"),
        ("O2", "GAD-7", "9"),
        ("O3", "PHQ-9", "3"),
        ("O4", "PHQ-9", "12"),
        ("O5", "PHQ-9", "5"),
        ("O5#GAD-7", "GAD-7", "6"),
        ("O10", "PHQ-9", "14"),
    ]
    assert [fault[:2] for fault in records.faults] == [
        ("Observation.value[x]", "7.5"),
        ("Observation.subject", "(not shown)"),
    ]
    assert sum(count for (what, _), count in records.left_out.items() if what == "Observation") == 2


def test_two_scores_of_one_observation_are_accounted_for(visit):
    both = observation("O5", "1-8", component=[part("44261-6", valueInteger=5), part("70274-6", valueInteger=6)])
    visit.lines("Observation.ndjson", both)
    visit.publish()
    assert visit.balance()["Observation"] == (2, 2, 0, 0, 0)


def test_a_filled_in_form_is_noted_and_its_answers_are_not_read(visit):
    answers = [{"linkId": "1", "answer": [{"valueString": "Jane felt odd"}]}]
    form = {
        "resourceType": "QuestionnaireResponse",
        "id": "F1",
        "status": "completed",
        "questionnaire": "https://clinic.example/Questionnaire/side-effects|2",
        "encounter": {"reference": "Encounter/E1"},
        "item": answers,
    }
    other = {**form, "id": "F2", "questionnaire": "https://clinic.example/Questionnaire/intake"}
    visit.lines("QuestionnaireResponse.ndjson", form, other)
    records = visit.read()
    assert records.column("bookings", "side_effects_assessed") == ["yes"]
    reason = "answers to another questionnaire than the side-effect form"
    assert records.left_out["QuestionnaireResponse", reason] == 1
