"""Bridges and roll-forwards close to 0, whatever was paid, when, where and for what."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard import money

SITES = ("chicago", "dallas")
FIRST = dt.date(2026, 1, 1)
MONTH = {"start": dt.date(2026, 2, 1), "end": dt.date(2026, 2, 28)}
DAYS = st.integers(0, 119).map(lambda days: FIRST + dt.timedelta(days=days))
CENTS = st.integers(0, 10**9)


@st.composite
def ledgers(draw):
    """Bookings of four months at two sites, and payments for them, for others, and for none."""
    bookings = [
        (f"B{i}", i, draw(st.sampled_from(SITES)), *draw(st.sampled_from([("k", "ketamine"), ("v", "vitamin")])),
         draw(st.sampled_from(["completed", "completed", "no_show", "cancelled"])), draw(DAYS),
         draw(st.none() | CENTS), 60)
        for i in range(draw(st.integers(0, 6)))
    ]  # fmt: skip
    payments = []
    for i in range(draw(st.integers(0, 12))):
        kind = draw(
            st.sampled_from(["payment", "payment", "refund", "package_sale", "package_redemption", "package_expiry"])
        )
        booking = draw(st.sampled_from([None, *(b[0] for b in bookings)]))
        method = draw(st.sampled_from([None, "card", "cash"]))
        payments.append((f"P{i}", booking, draw(st.sampled_from(SITES)), None, draw(DAYS), kind, method, draw(CENTS)))
    return bookings, payments


ANY = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@ANY
@given(ledgers())
def test_the_bridge_closes_and_its_ends_are_what_they_say(ledger, made):
    bookings, payments = made
    rows = ledger(bookings, payments, "bridge", **MONTH)
    assert [row["site"] for row in rows] == list(SITES)
    for row in rows:
        assert money.bridge_gap(row) == 0
        own = [b for b in bookings if b[2] == row["site"] and b[5] == "completed" and b[6].month == 2]
        assert row["invoiced_cents"] == sum(b[7] or 0 for b in own)
        signs = {"payment": 1, "package_sale": 1, "refund": -1}
        taken = [p for p in payments if p[2] == row["site"] and p[4].month == 2]
        assert row["paid_cents"] == sum(signs.get(p[5], 0) * p[7] for p in taken)
        assert row["refund_cents"] == -sum(p[7] for p in taken if p[5] == "refund")
        assert row["sold_cents"] == sum(p[7] for p in taken if p[5] == "package_sale")
        ids = {b[0] for b in own if b[7] is not None}
        by_end = [p for p in payments if p[1] in ids and p[4] <= MONTH["end"]]
        assert row["redeemed_cents"] == -sum(p[7] for p in by_end if p[5] == "package_redemption")
        settled = sum(p[7] for p in by_end if p[5] in {"payment", "package_redemption"})
        assert row["unpaid_cents"] == -(row["invoiced_cents"] - settled)
    assert sum(row["other_site_cents"] for row in rows) == 0


@ANY
@given(ledgers())
def test_package_liability_rolls_forward_from_month_to_month(ledger, made):
    bookings, payments = made
    rows = ledger(bookings, payments, "package_liability", start=FIRST, end=dt.date(2026, 4, 30))
    assert len(rows) == 4 * len(SITES)
    closing = defaultdict(int)
    signs = {"package_sale": 1, "package_redemption": -1, "package_expiry": -1}
    for row in rows:
        assert money.liability_gap(row) == 0
        assert row["opening"] == closing[row["site"]]
        closing[row["site"]] = row["closing"]
        until = [
            p
            for p in payments
            if p[2] == row["site"] and (p[4].year, p[4].month) <= (row["month"].year, row["month"].month)
        ]
        owed = sum(signs.get(p[5], -1 if p[5] == "refund" and p[1] is None else 0) * p[7] for p in until)
        assert round(row["closing"] * 100) == owed


def test_a_month_by_hand(ledger):
    bookings = [
        ("old", 1, "dallas", "k", "ketamine", "completed", dt.date(2026, 1, 20), 50_000, 90),
        ("cash", 2, "dallas", "k", "ketamine", "completed", dt.date(2026, 2, 3), 45_000, 90),
        ("owed", 3, "dallas", "v", "vitamin", "completed", dt.date(2026, 2, 4), 15_000, 45),
        ("pack", 4, "dallas", "k", "ketamine", "completed", dt.date(2026, 2, 5), 40_000, 90),
        ("ahead", 5, "dallas", "k", "ketamine", "completed", dt.date(2026, 3, 2), 50_000, 90),
    ]
    payments = [
        ("1", "old", "dallas", "ketamine", dt.date(2026, 2, 1), "payment", "card", 50_000),
        ("2", "cash", "dallas", "ketamine", dt.date(2026, 1, 31), "payment", "card", 5_000),
        ("3", "cash", "dallas", "ketamine", dt.date(2026, 2, 3), "payment", "cash", 40_000),
        ("4", None, "dallas", None, dt.date(2026, 2, 5), "package_sale", "card", 240_000),
        ("5", "pack", "dallas", "ketamine", dt.date(2026, 2, 5), "package_redemption", None, 40_000),
        ("6", "ahead", "dallas", "ketamine", dt.date(2026, 2, 27), "payment", "card", 50_000),
        ("7", "cash", "dallas", "ketamine", dt.date(2026, 2, 20), "refund", "card", 10_000),
        ("8", None, "dallas", None, dt.date(2026, 2, 28), "refund", "card", 80_000),
    ]
    row = ledger(bookings, payments, "bridge", **MONTH)[1]
    assert row == {
        "site": "dallas", "invoiced_cents": 100_000, "unpaid_cents": -15_000, "redeemed_cents": -40_000,
        "prepaid_cents": -5_000, "other_site_cents": 0, "earlier_cents": 50_000, "advance_cents": 50_000,
        "refund_cents": -90_000, "sold_cents": 240_000, "paid_cents": 290_000,
    }  # fmt: skip
    assert money.bridge_gap(row) == 0
    liability = ledger(bookings, payments, "package_liability", **MONTH)
    assert [str(v) for v in list(liability[1].values())[2:]] == [
        "0.00",
        "2400.00",
        "400.00",
        "800.00",
        "0.00",
        "1200.00",
    ]


def test_what_another_site_took_is_prepaid_or_late_as_what_the_own_site_took(ledger):
    bookings = [
        ("old", 1, "dallas", "k", "ketamine", "completed", dt.date(2026, 1, 20), 50_000, 90),
        ("now", 2, "dallas", "k", "ketamine", "completed", dt.date(2026, 2, 3), 45_000, 90),
    ]
    payments = [
        ("1", "old", "chicago", "ketamine", dt.date(2026, 2, 1), "payment", "card", 20_000),
        ("2", "now", "chicago", "ketamine", dt.date(2026, 1, 31), "payment", "card", 5_000),
        ("3", "now", "chicago", "ketamine", dt.date(2026, 2, 3), "payment", "card", 40_000),
    ]
    items = ("prepaid_cents", "other_site_cents", "earlier_cents", "paid_cents")
    rows = {row["site"]: tuple(row[item] for item in items) for row in ledger(bookings, payments, "bridge", **MONTH)}
    assert rows["dallas"] == (-5_000, -60_000, 20_000, 0)
    assert rows["chicago"] == (0, 60_000, 0, 60_000)


def test_an_invoice_was_last_paid_when_something_was_paid_or_redeemed_on_it(ledger):
    bookings = [(name, 1, "dallas", "k", "ketamine", "completed", dt.date(2026, 2, 3), 45_000, 90) for name in "abc"]
    payments = [
        ("1", "a", "dallas", "ketamine", dt.date(2026, 2, 3), "payment", "card", 45_000),
        ("2", "a", "dallas", "ketamine", dt.date(2026, 2, 20), "refund", "card", 5_000),
        ("3", "b", "dallas", "ketamine", dt.date(2026, 2, 4), "package_redemption", None, 45_000),
        ("4", "c", "dallas", "ketamine", dt.date(2026, 2, 5), "package_sale", "card", 240_000),
    ]
    rows = ledger(bookings, payments, "rows_invoices", **MONTH, lines=["ketamine"])
    paid = {row["booking_id"]: row["last_paid_on"] for row in rows}
    assert paid == {"a": dt.date(2026, 2, 3), "b": dt.date(2026, 2, 4), "c": None}


def test_the_list_price_is_that_of_the_day_of_the_visit(ledger):
    """Ketamine rises from 500 to 600 dollars on 1 March."""
    days = {"before": dt.date(2026, 2, 28), "after": dt.date(2026, 3, 1)}
    bookings = [
        (f"{name}-{status}", 1, "dallas", "k", "ketamine", status, day, price, 90)
        for name, day in days.items()
        for status, price in (("completed", 45_000), ("no_show", None), ("cancelled", 20_000))
    ]
    asked = {"start": days["before"], "end": days["after"], "lines": ["ketamine"]}
    rows = ledger(bookings, [], "rows_invoices", **asked)
    assert [(row["booking_id"], str(row["list_price"]), str(row["discount"])) for row in rows] == [
        ("before-completed", "500.00", "50.00"),
        ("after-completed", "600.00", "150.00"),
    ]
    by_day = ledger(bookings, [], "revenue", by=["period"], grain="day", settled_by=dt.date.max, **asked)
    assert [row["discount_cents"] for row in by_day] == [5_000, 15_000]
    missed = ledger(bookings, [], "missed", **asked)
    assert {row["status"]: row["cents"] for row in missed} == {"no_show": 110_000, "cancelled": 40_000}


@pytest.mark.parametrize(("by", "expected"), [((), [(100_000, 15_000, 15_000)])])
def test_invoiced_discounts_and_outstanding(ledger, by, expected):
    bookings = [
        ("a", 1, "dallas", "k", "ketamine", "completed", dt.date(2026, 2, 3), 45_000, 90),
        ("b", 2, "dallas", "v", "vitamin", "completed", dt.date(2026, 2, 4), 15_000, 45),
        ("c", 3, "chicago", "k", "ketamine", "completed", dt.date(2026, 2, 28), 40_000, 90),
        ("d", 4, "chicago", "k", "ketamine", "no_show", dt.date(2026, 2, 28), None, 90),
    ]
    payments = [
        ("1", "a", "dallas", "ketamine", dt.date(2026, 2, 3), "payment", "card", 45_000),
        ("2", "a", "dallas", "ketamine", dt.date(2026, 2, 9), "refund", "card", 45_000),
        ("3", "c", "chicago", "ketamine", dt.date(2026, 2, 28), "package_redemption", None, 40_000),
    ]
    lines = {"lines": ["ketamine", "vitamin"]}
    found = ledger(bookings, payments, "revenue", by=list(by), grain="day", settled_by=dt.date.max, **lines, **MONTH)
    assert [(r["invoiced_cents"], r["discount_cents"], r["outstanding_cents"]) for r in found] == expected
    assert [(r["visits"], r["chair_minutes"]) for r in found] == [(3, 225)]
    missed = ledger(bookings, payments, "missed", **lines, **MONTH)
    assert [(r["site"], r["status"], r["cents"]) for r in missed] == [("chicago", "no_show", 50_000)]
    [paid] = ledger(bookings, payments, "paid", by=[], grain="day", every_line=True, **lines, **MONTH)
    assert (paid["payment_cents"], paid["refund_cents"], paid["paid_cents"]) == (45_000, 45_000, 0)
