"""Rows that a draft leaves out, and words that stand for nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from intake_drafts import drafted, imported

VISITS = "Date,Time,Client ID,Location,Service,Status,Total"


def visits(*others: str) -> list[str]:
    """Six visits, and other lines."""
    rows = [
        f"1/{n + 10}/2026,{n % 3 + 9}:00 AM,P{n % 4},Chicago,Myers cocktail,Completed,$1{n}5.00" for n in range(6)
    ]
    return [VISITS, *rows, *others]


@pytest.mark.parametrize(
    ("line", "setting"),
    [
        ("Total,,,,,,$900.00", {"column": "Date", "values": "Total"}),
        ("Grand total:,,,,,,$900.00", {"column": "Date", "values": "Grand total:"}),
        (",,,,,Total,$900.00", {"column": "Status", "values": "Total"}),
        (",,,,,,", {"column": "Date", "values": ""}),
    ],
)
def test_a_line_of_totals_is_left_out(tmp_path: Path, line: str, setting: dict[str, object]) -> None:
    """It would also hide that each day has its time, and that both tell one visit from another."""
    clinic, text = imported(tmp_path, visits=visits(line))
    folder = tmp_path / "export"
    _, found = drafted(folder)
    assert found["bookings"]["except"] == setting, text
    assert found["bookings"]["columns"]["starts_at"]["column"] == ["Date", "Time"]
    assert clinic.ask("select count(*) from bookings") == [(6,)]
    assert clinic.ask("select count(*) from rejects") == [(0,)]


def test_totals_and_empty_lines_are_left_out_by_one_column(tmp_path: Path) -> None:
    _, found = drafted(tmp_path, visits=visits(",,,,,,", "Total,,,,,,$900.00"))
    assert found["bookings"]["except"] == {"column": "Date", "values": ["Total", ""]}


def test_what_is_called_a_total_and_is_a_record_stays(tmp_path: Path) -> None:
    full = "Total body scan,9:00 AM,P9,Chicago,Myers cocktail,Completed,$5.00"
    assert "except" not in drafted(tmp_path, visits=visits(full))[1]["bookings"]


def payments(header: str, *rows: str) -> list[str]:
    """Payments with other columns."""
    return [f"Payment ID,Client ID,Payment Date,Amount,{header}", *rows]


def test_payments_that_came_to_nothing_are_left_out(tmp_path: Path) -> None:
    """Where no column tells the kind, a charge that failed would be counted as paid."""
    rows = payments(
        "Result",
        *("1,P1,1/13/2026,475.00,SUCCESS", "2,P2,1/14/2026,475.00,FAIL", "3,P3,1/15/2026,475.00,SUCCESS"),
        "4,P3,1/15/2026,175.00,Voided",
    )
    clinic, text = imported(tmp_path, visits=visits(), payments=rows)
    assert 'except = { column = "Result", values = ["FAIL", "Voided"] }  # guess: these came to nothing' in text
    assert clinic.ask("select payment_id from payments order by all") == [("1",), ("3",)]
    # What has been paid of a sum that is still pending was paid.
    part = [row.replace("Amount", "Paid amount").replace("FAIL", "Pending") for row in rows]
    assert "except" not in drafted(tmp_path / "export", payments=part)[1]["payments"]
    # Where nothing else is told there may be another meaning.
    none = payments("State", "1,P1,1/13/2026,475.00,pending")
    assert "except" not in drafted(tmp_path / "export", payments=none)[1]["payments"]


def test_what_was_paid_back_of_a_payment_is_asked_about(tmp_path: Path) -> None:
    text, _ = drafted(
        tmp_path,
        visits=visits(),
        payments=payments(
            "Refund Date,Refund Amount", "1,P1,1/13/2026,475.00,,", "2,P2,1/14/2026,475.00,1/20/2026,50"
        ),
    )
    assert "DECIDE: Refund Amount may hold what was paid back" in text
    text, _ = drafted(tmp_path, payments=payments("Refunded,Refund Date", "1,P1,1/13/2026,475.00,0.00,"))
    assert "paid back" not in text


def test_a_sign_tells_a_refund_where_the_kind_names_none(tmp_path: Path) -> None:
    rows = payments("Status", "1,P1,1/13/2026,475.00,Completed", "2,P1,1/14/2026,-75.00,Completed")
    clinic, _ = imported(tmp_path, visits=visits(), payments=rows)
    assert clinic.ask("select kind, amount_cents from payments order by all") == [
        ("payment", 47500),
        ("refund", 7500),
    ]
    (tmp_path / "export" / "payments.csv").unlink()
    rows = payments("Status", "1,P1,1/13/2026,475.00,Completed", "2,P1,1/14/2026,-75.00,Refunded")
    columns = drafted(tmp_path / "export", payments=rows)[1]["payments"]["columns"]
    assert columns["kind"]["values"] == {"Completed": "payment", "Refunded": "refund"}
    packages = [row.replace("Refunded", "Package sale") for row in rows]
    columns = drafted(tmp_path / "export", payments=packages)[1]["payments"]["columns"]
    assert columns["kind"]["values"]["Package sale"] == "package_sale"


@pytest.mark.parametrize(
    ("word", "known"),
    [
        ("##USER_MISSING_95##", True),
        ("Not specified", True),
        ("-", True),
        ("unknown", True),
        ("refused by Ann", False),
    ],
)
def test_words_for_nothing_are_known_in_many_forms(tmp_path: Path, word: str, known: bool) -> None:
    rows = [f"{n},P{n},2026-01-{n + 10} 09:00,{n + 30 if n else word}" for n in range(12)]
    text, found = drafted(tmp_path, visits=["id,patient,start,age", *rows])
    assert found["bookings"].get("empty") == ([word] if known else None)
    assert known or word not in text


def test_a_day_that_stands_for_none_is_none(tmp_path: Path) -> None:
    rows = [f"{n},P{n},2026-01-{n + 10} 09:00,{'0001-01-01' if n % 2 else '1980-02-03'}" for n in range(4)]
    clinic, _ = imported(tmp_path, visits=["id,patient,start,DOB", *rows])
    assert clinic.ask("select count(age), count(*) from bookings") == [(2, 4)]


def test_a_word_that_means_something_elsewhere_stands_for_nothing_nowhere(tmp_path: Path) -> None:
    """A dash may be a status."""
    rows = [
        f"{n},P{n},2026-01-{n + 10} 09:00,{'-' if n % 2 else 30 + n},{'-' if n else 'completed'}" for n in range(6)
    ]
    assert "empty" not in drafted(tmp_path, visits=["id,patient,start,age,status", *rows])[1]["bookings"]


def test_the_total_for_somebody_names_nobody_in_a_draft(tmp_path: Path) -> None:
    """Reports that group by customer end each group with such a line."""
    text, found = drafted(tmp_path, visits=visits("Total for Marisol Okonkwo,,,,,,$900.00", "TOTAL,,,,,,$900.00"))
    assert "Okonkwo" not in text
    assert "except" not in found["bookings"]
    assert found["bookings"]["columns"]["starts_at"]["column"] == ["Date", "Time"]
