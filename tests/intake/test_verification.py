"""An extract whose parts contradict each other is found out, whichever part it is."""

from __future__ import annotations

import re
from collections.abc import Iterator

import duckdb
import pytest
from intake_clinic import BOOKINGS, EVENTS, Clinic

from dashboard.intake.contract import DeliveryError
from dashboard.intake.sql import statements
from dashboard.intake.verification import verify

#: What is done to a sound extract, and the claim that then doesn't hold.
DAMAGES = {
    "update sources set rows_rejected = 1 where source = 'scores'": r"rows read .* in \w+.csv: 1 against 2",
    "insert into left_out values ('scores', 'scores.csv', 'scores', 2, 'only')": r"left out in \w+.csv, \w+: 0 against 2",
    "delete from bookings where booking_id = 'B2'": "rows accepted = rows of bookings: 2 against 1",
    "delete from side_effects": "rows accepted = rows of side_effects: 1 against 0",
    "delete from payments": "rows accepted = rows of payments: 1 against 0",
    "delete from scores": "rows accepted = rows of scores: 1 against 0",
    "insert into resources values ('a.ndjson', 'Basic', '', 9, 5, 1, 1, 1, 1)": r"resources read .* Basic: 5 against 4",
    "insert into resources values ('a.ndjson', 'Basic', '', 9, 4, 1, 1, 1, 1)": "left out in a.ndjson, Basic: 1 against 0",
    "update daily set bookings = bookings + 1 where service = 'vitamin-c'": "bookings in daily: 2 against 3",
    "update daily set scheduled_minutes = 0": "chair minutes in daily: 150 against 0",
    "update daily set invoiced_cents = invoiced_cents + 1 where line = 'vitamin'": "invoiced in daily: 65,000 against 65,001",
    "update daily_payments set amount_cents = -amount_cents": "cents in daily_payments: 47,500 against -47,500",
    "update daily set new_patients = 0 where line = 'vitamin'": "new patients in daily: 2 against 1",
    "update bookings set infusion = 2 where line = 'vitamin'": "first at a site or follow another: 2 against 1",
    "update daily_returns set infusions = 3 where effect is null": "completed infusions in daily_returns: 2 against 6",
    "delete from daily_returns where effect = 'nausea'": "infusions with an effect in daily_returns: 1 against 0",
    "delete from courses": "patients with a completed ketamine infusion in courses: 1 against 0",
    "insert into infusion_gaps (infusions) values (1)": "infusions in courses and after a gap: 1 against 2",
    "delete from hourly where line = 'vitamin'": "bookings in hourly: 2 against 1",
    "insert into calendar from calendar limit 1": "days of all sites in calendar: 93 against 94",
    "update daily_effects set events = 2": "events in daily_effects: 1 against 2",
    "update daily_effects set infusions = 0": "infusions with an effect in daily_effects: 1 against 0",
    "insert into worklist_forms (booking_id) values ('B1')": "late side-effect forms in worklist_forms: 0 against 1",
    "delete from daily_patients where line = 'vitamin'": "patients in daily_patients and patients_apart: 2 against 1",
    "insert into daily_patients (counted, line, visits) values (1, 'ketamine', 1)": "of patients_apart: 2 against 3",
    "update daily set with_effect = 2 where line = 'ketamine'": "visits with an effect in daily: 1 against 2",
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Clinic:
    clinic = Clinic(tmp_path_factory.mktemp("sound"))
    clinic.write(
        "bookings.csv", BOOKINGS + ",price",
        "B1,P1,chicago,ketamine-infusion,2026-01-05 09:00,completed,475",
        "B2,P2,dallas,vitamin-c,2026-01-06 09:00,completed,175",
    )  # fmt: skip
    clinic.write("side_effects.csv", EVENTS, "E1,B1,nausea")
    clinic.write(
        "payments.csv",
        "payment_id,patient_id,booking_id,paid_at,kind,amount",
        "A1,P1,B1,2026-01-05 10:00,payment,475",
    )
    clinic.write("scores.csv", "score_id,patient_id,instrument,taken_at,score", "S1,P1,PHQ-9,2026-01-05 08:00,9")
    clinic.publish()
    return clinic


@pytest.fixture
def connection(sound: Clinic) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open on the extract; what is done to it is undone."""
    with duckdb.connect(str(sound.report.path)) as opened:
        opened.begin()
        yield opened
        opened.rollback()


def test_a_sound_extract_passes(connection: duckdb.DuckDBPyConnection) -> None:
    verify(connection)


def test_every_claim_has_its_damage(connection: duckdb.DuckDBPyConnection) -> None:
    [statement] = statements("verify")
    claims = [claim for claim, *_ in connection.execute(statement).fetchall()]
    assert claims
    told = [pattern.rpartition(":")[0] for pattern in DAMAGES.values()]
    assert [claim for claim in claims if not any(re.search(f"{pattern}$", claim) for pattern in told)] == []


@pytest.mark.parametrize(("damage", "claim"), DAMAGES.items(), ids=range(len(DAMAGES)))
def test_a_damaged_extract_is_refused(connection: duckdb.DuckDBPyConnection, damage: str, claim: str) -> None:
    connection.execute(damage)
    with pytest.raises(DeliveryError, match=rf"does not add up \(.*{claim}\) and was not published"):
        verify(connection)
