"""The worked examples of docs/mapping.md for charts: OpenEMR's calendar, encounters with a ledger."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
from intake_clinic import Export

EVENTS = "pc_eid\tpc_catid\tpc_pid\tpc_time\tpc_eventDate\tpc_endDate\tpc_startTime\tpc_endTime\tpc_apptstatus\tpc_facility"
LEDGER = "ID,CLAIMID,CHARGEID,PATIENTID,TYPE,AMOUNT,METHOD,FROMDATE,PAYMENTS,APPOINTMENTID"


def example(title: str) -> str:
    text = (Path(__file__).parents[2] / "docs" / "mapping.md").read_text(encoding="utf-8")
    [found] = re.findall(rf"## Worked example: {title}\n.*?```toml\n(.*?)```", text, re.DOTALL)
    return found


@pytest.fixture
def export(tmp_path: Path) -> Export:
    return Export(tmp_path)


def test_the_calendar_of_openemr(export: Export) -> None:
    def event(number: int, sign: str, patient: str = "7", time: str = "09:00:00\t10:30:00") -> str:
        return f"{number}\t9\t{patient}\t2026-01-02 12:00:00\t2026-01-05\t0000-00-00\t{time}\t{sign}\t3"

    signs = [">", "$", "@", "~", "<", "?", "x", "%", "-", "*"]
    rows = [event(number, sign) for number, sign in enumerate(signs)]
    export.write("openemr_postcalendar_events.tsv", EVENTS, *rows, event(10, "-", "0"), event(11, "-", "NULL"))
    report = export.publish(example("the calendar of OpenEMR"))
    assert (report.rows_read, report.rows_accepted, report.rows_left_out) == (12, 10, 2)
    assert export.bookings("status, starts_at, chair_minutes, booked_on")[5] == (
        "no_show", dt.datetime(2026, 1, 5, 9), 90, dt.date(2026, 1, 2),
    )  # fmt: skip
    assert [status for (status,) in export.bookings("status")] == [
        "completed", "completed", "arrived", "arrived", "arrived", "no_show", "cancelled", "late_cancelled", "booked",
        "booked",
    ]  # fmt: skip


def test_encounters_and_a_ledger(export: Export) -> None:
    export.write("organizations.csv", "Id,NAME", "o1,RIVER NORTH CLINIC", "o2,FRISCO CLINIC")
    export.write("patients.csv", "Id,BIRTHDATE", "p1,1980-05-01", "p2,1950-01-01")
    export.write(
        "encounters.csv",
        "Id,START,STOP,PATIENT,ORGANIZATION,TOTAL_CLAIM_COST",
        "e1,2026-01-05T15:00:00Z,2026-01-05T16:00:00Z,p1,o1,129.16",
        "e2,2026-01-06T15:00:00Z,2026-01-06T16:00:00Z,p2,o2,129.16",
    )
    export.write(
        "claims_transactions.csv", LEDGER,
        "t1,c1,1,p1,CHARGE,129.16,,2026-01-05T15:00:00Z,,e1",
        "t2,c1,1,p1,PAYMENT,,CASH,2026-01-05T15:00:00Z,29.16,e1",
        "t3,c1,1,p1,TRANSFEROUT,100.00,,2026-01-05T15:00:00Z,,e1",
        "t4,c1,2,p1,TRANSFERIN,100.00,,2026-01-05T15:00:00Z,,e1",
    )  # fmt: skip
    export.write(
        "observations.csv",
        "DATE,PATIENT,ENCOUNTER,CODE,VALUE",
        "2026-01-05T15:00:00Z,p1,e1,44261-6,14",
        "2026-01-05T15:00:00Z,p1,e1,70274-6,9",
        "2026-01-05T15:00:00Z,p1,e1,8302-2,170.5",
    )
    export.publish(example("encounters and a ledger"))
    assert export.bookings("booking_id, site, age, price_cents, starts_at") == [
        ("e1", "chicago", 45, 12916, dt.datetime(2026, 1, 5, 9)),
        ("e2", "dallas", 76, 12916, dt.datetime(2026, 1, 6, 9)),
    ]
    assert export.clinic.ask("select payment_id, amount_cents from payments") == [("t2", 2916)]
    assert export.clinic.ask("select instrument, score from scores order by 1") == [("GAD-7", 9), ("PHQ-9", 14)]
    assert export.rejects() == []
