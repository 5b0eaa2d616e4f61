"""The digest of a table: the same for the same rows in whatever order, another for any other value."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from dashboard.intake.compare import differing

ROWS = "(1, 'a', date '2026-01-05'), (1, 'a', date '2026-01-05'), (2, null, null), (null, 'b', date '2026-01-06')"


def extract(path: Path, rows: str = ROWS, words: str = "'a', 'b'", number: str = "integer", more: str = "") -> Path:
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"create type word as enum ({words})")
        connection.execute(f"create table facts (n {number}, w word, d date)")
        connection.execute(f"insert into facts values {rows}")
        connection.execute(f"create table extract_info as select {more or 1} as built_at, 2 as last_day")
        connection.execute(f"create table changes as select {more or 1} as rows_now")
    return path


def test_order_and_what_names_the_delivery_make_no_difference(tmp_path: Path) -> None:
    turned = (
        "(null, 'b', date '2026-01-06'), (2, null, null), (1, 'a', date '2026-01-05'), (1, 'a', date '2026-01-05')"
    )
    assert differing(extract(tmp_path / "a"), extract(tmp_path / "b", turned, more="7")) == []


@pytest.mark.parametrize(
    "options",
    [
        {"rows": ROWS.replace("2026-01-06", "2026-01-07")},
        {"rows": ROWS.replace("(2, null, null)", "(null, null, null)")},
        {"rows": ROWS.replace("(1, 'a', date '2026-01-05'), ", "", 1)},
        {"rows": f"{ROWS}, (2, null, null)"},
        {"rows": ROWS.replace("'b'", "'a'")},
        {"words": "'a', 'b', 'c'"},
        {"words": "'b', 'a'"},
        {"number": "bigint"},
    ],
)
def test_any_other_value_or_type_is_a_difference(tmp_path: Path, options: dict[str, str]) -> None:
    assert differing(extract(tmp_path / "a"), extract(tmp_path / "b", **options)) == ["facts"]


def test_a_table_that_only_one_holds(tmp_path: Path) -> None:
    second = extract(tmp_path / "b")
    with duckdb.connect(str(second)) as connection:
        connection.execute("create table more as select 1 as x")
    assert differing(extract(tmp_path / "a"), second) == ["more"]
