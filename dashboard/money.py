"""The bridge from what was invoiced to what was paid, and what must come to nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: The items between the two ends, in order: column of queries/bridge.sql and its name.
ITEMS = {
    "unpaid_cents": "Not paid by the end",
    "redeemed_cents": "Redeemed from packages",
    "prepaid_cents": "Paid before",
    "other_site_cents": "Between sites",
    "earlier_cents": "Paid for earlier visits",
    "advance_cents": "Paid without a visit yet",
    "refund_cents": "Refunds",
    "sold_cents": "Packages sold",
}
INVOICED, PAID = "invoiced_cents", "paid_cents"
ENDS = {INVOICED: "Invoiced", PAID: "Paid"}
#: How package liability moves, in order: column of queries/package_liability.sql and its sign.
MOVEMENTS = {"opening": 1, "sold": 1, "redeemed": -1, "refunded": -1, "expired": -1}


def bridge_gap(row: Mapping[str, Any]) -> int:
    """Cents by which a bridge doesn't close; 0, or there is a fault."""
    return int(row[INVOICED]) + sum(int(row[item]) for item in ITEMS) - int(row[PAID])


def liability_gap(row: Mapping[str, Any]) -> Any:
    """What opening and movements and closing differ by; 0, or there is a fault."""
    return sum(sign * row[name] for name, sign in MOVEMENTS.items()) - row["closing"]
