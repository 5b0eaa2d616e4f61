"""Payment methods: spelled in several ways they are one, and people read them by name."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from intake_clinic import Clinic

from dashboard import exports, filters
from dashboard.access import Role, Viewer
from dashboard.datasets import DATASETS
from dashboard.panels import rows
from dashboard.payment_methods import _WRITTEN, folded, method_name
from dashboard.settings import Settings
from dashboard.warehouse import Reader, Warehouse

SPELLED = ["hsa", "HSA ", "Credit Card", "credit_card", "CREDIT-CARD", "credit  card", "Visa", "", "-"]


@pytest.fixture
def reader(clinic: Clinic) -> Reader:
    clinic.write(
        "payments.csv",
        "payment_id,patient_id,paid_at,kind,amount,method",
        *(f"Z{number},P1,2026-01-05 10:00,payment,1.00,{text}" for number, text in enumerate(SPELLED)),
    )
    clinic.publish()
    return Reader(Warehouse(clinic.report.path, Settings(data=clinic.data)), Viewer("x", "X", Role.FINANCE))


def test_one_method_however_it_is_spelled(reader: Reader) -> None:
    assert exports.methods_of(reader) == ("credit card", "hsa", "not recorded", "visa")


def test_revenue_shows_names_and_opens_the_rows(reader: Reader) -> None:
    scope = exports.scope_of(reader)
    frame = rows(reader, "paid_by_method", filters.parse({"period": ["this-month"]}, scope))
    assert dict(zip(frame["method"], frame["value"], strict=True)) == {
        "Credit card": 4.0, "HSA": 2.0, "Not recorded": 2.0, "Visa": 1.0,
    }  # fmt: skip
    for address, value in zip(frame["opens"], frame["value"], strict=True):
        export = exports.asked(reader, DATASETS["payment_rows"], parse_qs(urlsplit(address).query))
        assert export.summary()[0] == value
        assert frame["said"].str.startswith("Chicago").all()


@pytest.mark.parametrize("text", SPELLED[2:6])
def test_an_address_may_spell_it_in_any_way(reader: Reader, text: str) -> None:
    named = {"period": ["this-month"], "method": [text]}
    assert exports.asked(reader, DATASETS["payment_rows"], named).summary()[0] == 4


@pytest.mark.parametrize("text", [text for text in SPELLED if folded(text)])
def test_the_extract_and_an_address_fold_alike(reader: Reader, text: str) -> None:
    assert folded(text) in exports.methods_of(reader)


def test_no_two_methods_are_called_alike() -> None:
    assert len({method_name(word) for word in _WRITTEN}) == len(_WRITTEN)
