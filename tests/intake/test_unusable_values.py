"""Optional values that cannot be used: they reject their row, unless a mapping wants them empty, which is counted."""

from __future__ import annotations

import re

import pytest
from intake_clinic import Export, at, bookings

from dashboard import exports, filters
from dashboard.access import Role, Viewer
from dashboard.intake.contract import TABLES, DeliveryError
from dashboard.intake.sql import statements
from dashboard.panels import heading
from dashboard.settings import Settings
from dashboard.warehouse import Reader, Warehouse

#: Columns of the contract with what a mapping makes them of beside their name, and a value that cannot be used.
OPTIONAL = {
    "booked_at": ("", "soon"),
    "ends_at": ("", "2026-01-04 09:00"),  # before it begins
    "cancelled_at": ('format = "%d.%m.%Y %H:%M"', "2026-01-05 09:00"),  # as the contract has it, not the mapping
    "birth_date": ("", "2026-02-01"),  # after the visit
    "age": ("", "400"),
    "sex": ("", "f" * 81),
    "indication": ("", "x" * 81),
    "provider": ("", "x" * 81),
    "supervision": ('values = { MD = "physician" }', "none"),
    "mental_health_provider": ("", "perhaps"),
    "channel": ("pattern = '^ref-(.*)$'", "walk-in"),
    "chair_minutes": ("", "-5"),
    "price": ('currency = "$"', "free"),
    "side_effects_assessed": ("", "some"),
    "dose_mg": ("", "10000000"),
}
#: What an empty one counts as, where that is not nothing: the minutes are the service's usual ones.
EMPTY = {
    "supervision": "not_recorded",
    "mental_health_provider": "not_recorded",
    "side_effects_assessed": False,
    "chair_minutes": 60,
}
HELD = {"booked_at": "booked_on", "birth_date": "age", "price": "price_cents", "side_effects_assessed": "assessed"}


def wanting(*names: str) -> str:
    """All columns of a mapping, of which these want to be empty."""
    told = {
        name: [f'column = "{name}"', OPTIONAL[name][0], 'unusable = "empty"' * (name in names)] for name in OPTIONAL
    }
    return "\n".join(f"{name} = {{ {', '.join(filter(None, parts))} }}" for name, parts in told.items())


def visits(export: Export, *rows: dict[str, str]) -> None:
    lines = [
        ",".join([f"V{number}", f"P{number}", "2026-01-05 09:00", *(row.get(name, "") for name in OPTIONAL)])
        for number, row in enumerate(rows, start=1)
    ]
    export.write("visits.csv", f"id,patient,start,{','.join(OPTIONAL)}", *lines)


def test_by_default_such_a_value_rejects_its_row(export: Export) -> None:
    visits(export, {}, *({name: value} for name, (_, value) in OPTIONAL.items()))
    export.publish(bookings(wanting()))
    assert export.bookings("booking_id") == [("V1",)]
    assert {row[2] for row in export.rejects()} == set(OPTIONAL)


def test_a_mapping_may_want_it_empty(export: Export) -> None:
    visits(export, {}, *({name: value} for name, (_, value) in OPTIONAL.items()))
    report = export.publish(bookings(wanting(*OPTIONAL)))
    assert export.rejects() == []
    for number, name in enumerate(OPTIONAL, start=2):
        held = HELD.get(name, name)
        [[value]] = export.clinic.ask(f"select {held} from bookings where booking_id = 'V{number}'")
        assert value == EMPTY.get(name), name
    told = {(left.source, left.what): (left.rows, left.reason) for left in report.left_out}
    assert told == {
        ("bookings", name): (1, f"cannot be used and is empty, by unusable of [bookings.columns] {name}")
        for name in OPTIONAL
    }
    [file] = report.files
    assert (file.rows_read, file.rows_accepted, file.rows_left_out) == (len(OPTIONAL) + 1, len(OPTIONAL) + 1, 0)
    reader = Reader(Warehouse(report.path, Settings(data=export.clinic.data)), Viewer("a", "A", Role.ADMIN))
    chosen = filters.parse({}, exports.scope_of(reader))
    assert heading(reader, "left_out", chosen) == f"{len(OPTIONAL)} values are left empty by the mapping"


def test_only_the_columns_that_it_names_and_nothing_else_of_the_row(export: Export) -> None:
    good = {"age": "40", "dose_mg": "37.50", "chair_minutes": "60", "ends_at": "2026-01-05 10:00", "price": "$475.00"}
    visits(export, good | {"price": "free"}, good | {"price": "free", "age": "400"}, good)
    report = export.publish(bookings(wanting("price")))
    held = "booking_id, price_cents, age, dose_mg, chair_minutes, ends_at"
    rest = (40, 37.50, 60, at(2026, 1, 5, 10))
    assert export.bookings(held) == [("V1", None, *rest), ("V3", 47500, *rest)]
    assert [row[1:4] for row in export.rejects()] == [(3, "age", "400")]
    # Of the row that is rejected nothing is empty.
    assert [(left.what, left.rows) for left in report.left_out] == [("price", 1)]


def test_a_row_that_is_left_out_stays_so(export: Export) -> None:
    visits(export, {}, {"price": "free", "sex": "lunch"})
    report = export.publish(bookings(wanting("price"), 'except = { column = "sex", values = "lunch" }'))
    assert export.bookings("booking_id") == [("V1",)]
    assert [(left.what, left.rows) for left in report.left_out] == [("bookings", 1)]


def test_side_effects_and_payments(export: Export) -> None:
    visits(export, {})
    export.write(
        "ae.csv", "no,visit,what,grade,from,to",
        "E1,V1,nausea,bad,2026-01-05 10:00,2026-01-05 11:00",
        "E2,V1,nausea,mild,2026-01-05 10:00,2026-01-04 11:00",
        "E3,V1,nausea,mild,yesterday,2026-01-05 11:00",
    )  # fmt: skip
    export.write(
        "paid.csv", "no,patient,paid,sum,site", "Z1,P1,2026-01-05 10:00,5.00,nowhere", "Z2,P1,?,5.00,nowhere"
    )
    report = export.publish(
        bookings()
        + """
[side_effects]
file = "ae.csv"
[side_effects.columns]
event_id = "no"
booking_id = "visit"
effect = "what"
severity = { column = "grade", unusable = "empty" }
onset_at = "from"
resolved_at = { column = "to", unusable = "empty" }
[payments]
file = "paid.csv"
[payments.columns]
payment_id = "no"
patient_id = "patient"
paid_at = "paid"
kind = { constant = "payment" }
amount = "sum"
site = { column = "site", unusable = "empty" }
"""
    )
    found = export.clinic.ask("select event_id, severity, resolved_at from side_effects order by 1")
    assert found == [("E1", "unknown", at(2026, 1, 5, 11)), ("E2", "mild", None)]
    assert export.clinic.ask("select payment_id, site from payments") == [("Z1", "chicago")]
    assert [row[1:3] for row in export.rejects()] == [(4, "onset_at"), (3, "paid_at")]
    assert [(left.source, left.what, left.rows) for left in report.left_out] == [
        ("payments", "site", 1), ("side_effects", "resolved_at", 1), ("side_effects", "severity", 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('price = { column = "price", unusable = "zero" }', 'unusable must be "empty"'),
        ('price = { column = "price", unusable = "empty", default = "0" }', "give one of them"),
        ('price = { constant = "5", unusable = "empty" }', "a constant goes with no other setting"),
    ],
)
def test_what_does_not_go_with_it(export: Export, line: str, message: str) -> None:
    visits(export, {})
    with pytest.raises(DeliveryError, match=message):
        export.publish(bookings(line))


def test_not_for_what_a_row_needs(export: Export) -> None:
    visits(export, {})
    with pytest.raises(DeliveryError, match="may be empty, and not with ids"):
        export.publish(bookings(status='{ column = "sex", unusable = "empty" }'))


def test_every_optional_column_is_known_to_the_build() -> None:
    for table in TABLES:
        optional = [one.name for one in table.columns if not one.required and one.kind != "identifier"]
        if optional:
            [update] = statements(f"unusable_{table.name}")
            assert update.startswith(f"update read_{table.name}")
            [known, _] = statements("unusable")
            for place, column in enumerate(table.columns):
                if column.name in optional:
                    places = re.search(rf"\('{table.name}', '{column.name}', \[([\d, ]+)\]\)", known)
                    assert places is not None, column.name
                    assert places[1].endswith(f", {32 + place}")


def test_the_words_of_the_docs_for_nothing_and_for_an_amount(export: Export) -> None:
    visits(export, {"price": "free"}, {"price": "$475.00"}, {"price": "N/A"}, {"price": "call"})
    price = 'price = { column = "price", currency = "$", values = { free = "0", "N/A" = "" } }'
    export.publish(bookings(price))
    assert export.bookings("booking_id, price_cents") == [("V1", 0), ("V2", 47500), ("V3", None)]
    assert [row[1:4] for row in export.rejects()] == [(5, "price", "call")]
