"""Files so large that DuckDB reads them in parts at the same time: each row must keep its line."""

from __future__ import annotations

import pytest
from intake_clinic import Clinic

ROWS = 320_000
FAULTY = range(999, ROWS, 40_000)
MAPPING = """
[bookings]
file = "bookings.csv"
[bookings.columns]
booking_id = "booking_id"
patient_id = "patient_id"
site = "site"
service = "service"
starts_at = "starts_at"
status = "status"

[payments]
file = "payments.csv"
empty = ["NA", "N/A", "null", "none", "unknown", "-"]
[payments.columns]
payment_id = "payment_id"
patient_id = "patient_id"
paid_at = "paid_at"
kind = "kind"
amount = "amount"
booking_id = "booking_id"
method = "method"
"""


@pytest.mark.parametrize("mapped", [False, True])
def test_rejects_name_the_lines_on_which_they_stand(clinic: Clinic, mapped: bool) -> None:
    rows = [f"M{n:06},P1,2026-01-05 09:00,payment,{n % 90000}.00,B1,health savings account" for n in range(ROWS)]
    for n in FAULTY:
        rows[n] = f"M{n:06},P1,2026-01-05 09:00,payment,$1,B1,cash"
    clinic.write("payments.csv", "payment_id,patient_id,paid_at,kind,amount,booking_id,method", *rows)
    if mapped:
        clinic.write("clinic.toml", MAPPING)
    clinic.publish(**({"mapping": clinic.delivery / "clinic.toml"} if mapped else {}))
    assert [line for _, line, *_ in clinic.rejects()] == [n + 2 for n in FAULTY]
    assert (
        clinic.one(
            "select count(*) from (select payment_id, lag(payment_id) over () as before from payments) "
            "where before > payment_id"
        )
        == 0
    )
