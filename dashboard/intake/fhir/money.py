"""Charge items as prices of bookings, invoices as payments."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from dashboard.intake.contract import PAYMENT_KINDS
from dashboard.intake.fhir.elements import codings, is_date, is_partial, objects, texts
from dashboard.intake.fhir.lookups import charged
from dashboard.intake.fhir.outcome import (
    OTHER_PATIENT,
    LeftOut,
    Outcome,
    Problem,
    Rejected,
    RejectionError,
    Row,
    Used,
    unknown_status,
)
from dashboard.intake.fhir.references import DanglingError, shown
from dashboard.intake.fhir.stream import Json
from dashboard.intake.fhir.terms import CHARGED, PAID_INVOICE, STATUSES_LEFT_OUT
from dashboard.intake.fhir.world import World

CURRENCY = "USD"
_CURRENCY_CODE = re.compile("[A-Z]{3}")
_NO_AMOUNT = "is not an amount like 475.00"


def price_of_charge(world: World, _key: str, resource: Json) -> Outcome:
    """Add a ChargeItem to the price of its booking."""
    status = str(resource.get("status"))
    if reason := STATUSES_LEFT_OUT["ChargeItem"].get(status):
        return LeftOut(reason)
    if status not in CHARGED:
        return Rejected((unknown_status("ChargeItem", status),))
    price = next(objects(resource.get("priceOverride")), None)
    outcome: Outcome = Used()
    if price is None:
        outcome = LeftOut("without priceOverride: its price stands elsewhere, and its booking gets none")
    elif not _in_dollars(price):
        outcome = LeftOut(f"its amount is not in {CURRENCY}, and its booking gets no price")
    amount = None if price is None else _amount(price)
    if price is not None and _in_dollars(price) and (amount is None or amount < 0):
        outcome = Rejected((Problem("ChargeItem.priceOverride", _NO_AMOUNT, _shown(price)),))
    try:
        booking = booking_of_charge(world, charged(resource), resource, "ChargeItem.context")
    except RejectionError as error:
        return Rejected((error.problem,)) if isinstance(outcome, Used) else outcome
    if booking is None:
        return LeftOut("leads to no booking") if isinstance(outcome, Used) else outcome
    # A sum without one of its parts would pass for the price.
    known = amount is not None and isinstance(outcome, Used)
    world.index.charge(booking, int(amount * 100) if amount is not None and known else None)
    return outcome


def booking_of_charge(world: World, references: list[Json], container: Json, element: str) -> str | None:
    """The key of the booking that a charge is for; None where it names none.

    Raises:
        RejectionError: a reference leads to nothing.
    """
    for reference in references:
        try:
            found = world.resolver.resolve(reference, container, "Encounter")
        except DanglingError as error:
            raise RejectionError(element, str(error), shown(reference)) from None
        if found.kind == world.options.bookings:
            return found.key
        if found.kind == "Encounter" and world.index.is_shared(found.key):
            raise RejectionError(element, "leads to the encounter of several bookings", shown(reference))
        if found.kind == "Encounter" and (booking := world.index.booking_of(found.key)):
            return booking
    return None


def payment_of(world: World, identity: str, resource: Json) -> Outcome:
    """The payment that a balanced Invoice stands for."""
    status = str(resource.get("status"))
    if reason := STATUSES_LEFT_OUT["Invoice"].get(status):
        return LeftOut(reason)
    if status != PAID_INVOICE:
        return Rejected((unknown_status("Invoice", status),))
    money, element = _total(resource)
    if money is None:
        return LeftOut("without totalGross and totalNet")
    if not _in_dollars(money):
        return LeftOut(f"its amount is not in {CURRENCY}")
    problems: list[Problem] = []
    amount = _amount(money)
    if amount is None:
        problems.append(Problem(element, _NO_AMOUNT, _shown(money)))
    paid = next(texts(resource.get("date")), None)
    if paid is None or is_partial(paid):
        problems.append(Problem("Invoice.date", "is empty" if paid is None else "is not a date", paid))
    values: dict[str, str | None] = {"payment_id": identity}
    try:
        values["patient_id"] = world.patient(objects(resource.get("subject")), resource, "Invoice.subject")
        booking = _booking(world, resource)
        whose = world.index.patient_of(booking) if booking else None
        if whose is not None and whose != values["patient_id"]:
            raise RejectionError("Invoice.subject", OTHER_PATIENT, "(not shown)")
    except RejectionError as error:
        problems.append(error.problem)
    if problems or amount is None or paid is None:
        return Rejected(tuple(problems))
    values["booking_id"] = booking.partition("/")[2] if booking else None
    values["paid_at"] = f"{paid} 00:00" if is_date(paid) else paid
    values["kind"] = _kind(resource, amount)
    values["amount"] = f"{abs(amount) if values['kind'] == 'refund' else amount:.2f}"
    return Row(values)


def _booking(world: World, resource: Json) -> str | None:
    """The one booking that the lines lead to; a payment for several belongs to none of them."""
    bookings: dict[str, None] = {}
    for line in objects(resource.get("lineItem")):
        for reference in objects(line.get("chargeItemReference")):
            try:
                found = world.resolver.resolve(reference, resource, "ChargeItem")
            except DanglingError as error:
                raise RejectionError("Invoice.lineItem", str(error), shown(reference)) from None
            if found.kind != "ChargeItem":
                continue
            references = charged(found.contained) if found.contained else world.index.data(found.key)
            if booking := booking_of_charge(world, references, resource, "Invoice.lineItem"):
                bookings[booking] = None
    if len(bookings) > 1:
        world.remarks.note("Invoice", "lineItem", "leads to several bookings: the payment is kept for none of them")
        return None
    return next(iter(bookings), None)


def _kind(resource: Json, amount: Decimal) -> str:
    """A kind of the contract as the code of Invoice.type, else by the sign of the amount."""
    for coding in codings(resource.get("type")):
        if coding.get("code") in PAYMENT_KINDS:
            return str(coding["code"])
    return "refund" if amount < 0 else "payment"


def _total(resource: Json) -> tuple[Json | None, str]:
    for name in ("totalGross", "totalNet"):
        if (money := next(objects(resource.get(name)), None)) is not None:
            return money, f"Invoice.{name}"
    return None, "Invoice.totalNet"


def _shown(money: Json) -> str | None:
    value = money.get("value")
    return None if value is None else str(value)


def _in_dollars(money: Json) -> bool:
    """Whether an amount is in dollars; without a currency it is, unless it is a Quantity of another, as in STU3."""
    if (currency := money.get("currency")) is not None:
        return bool(currency == CURRENCY)
    units = (unit for unit in texts(money.get("unit")) if _CURRENCY_CODE.fullmatch(unit))
    return next(iter((*texts(money.get("code")), *units)), CURRENCY) == CURRENCY


def _amount(money: Any) -> Decimal | None:
    """Whole cents, else nothing."""
    value = money.get("value")
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    try:
        amount = Decimal(value)
        # The size first: a short text can stand for a number that fills the memory.
        return amount if amount.is_finite() and abs(amount) < 10**9 and amount * 100 == int(amount * 100) else None
    except InvalidOperation:
        return None
