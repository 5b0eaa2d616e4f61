"""Which SQL both engines share; nothing here needs Spark's server."""

from __future__ import annotations

import re

import pytest

from dashboard.fact_reading import FactReading
from dashboard.intake import facts
from dashboard.intake.build import CUBES
from dashboard.intake.fact_tables import BESIDE, FACTS
from dashboard.intake.sql import statements
from dashboard.queries import queries
from dashboard.settings import Settings
from dashboard.spark import dialect
from dashboard.spark.cubes import REFERENCE
from tests.spark.questions import ABOUT_FACTS, SMALL_COUNTS

WORDS = {"site": ["dallas", "chicago"], "band": ["Adult", "Under 12"]}


@pytest.mark.parametrize("name", CUBES)
def test_cubes_are_in_the_shared_part(name):
    made = [dialect.statement(sql) for sql in statements(name)]
    assert [one.sql for one in made if not one.drops]
    assert all(one.order for one in made if one.makes and not one.staged)


@pytest.mark.parametrize("name", ABOUT_FACTS)
def test_questions_about_facts_are_in_the_shared_part(name):
    query = ABOUT_FACTS[name]
    written = dialect.question(query.sql, WORDS, query.order)
    assert set(re.findall(r":([a-z_]+)", written)) == query.parameters
    # Without an order of its own it would come as the workers happen to finish.
    assert "ORDER BY" in written.rsplit(" FROM ", 1)[1]


@pytest.mark.parametrize("name", SMALL_COUNTS)
def test_small_counts_are_in_the_shared_part(name):
    assert dialect.question(SMALL_COUNTS[name], WORDS)


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("select unnest(generate_series(a, b, interval 1 day)) from bookings", "calendar"),
        ("select quantile_cont(a, 0.5) from bookings", "percentile|quantile"),
        ("select median(a) from bookings", "median"),
        ("select isodow(a) from bookings", "calendar"),
        ("select dayofweek(a) from bookings", "calendar"),
        ("select approx_count_distinct(a) from bookings", "count distinct"),
        ("select date_trunc(grain, a) from bookings", "date_trunc"),
        ("select grouping(a, b) from bookings group by a, b", "grouping"),
        ("select * from bookings asof join scores on scores.a >= bookings.a", "asof"),
        ("select rowid from bookings", "rowid"),
        ("select a from bookings union all by name select a from scores", "union by name"),
        ("select as_term(a) from bookings", "as_term"),
        ("select a::mood from bookings", "mood"),
        ("select a from (pivot bookings on site using count(*))", "pivot"),
        ("select from where", "[A-Z]"),
        ("drop table bookings", "no question"),
    ],
)
def test_what_is_not_shared_is_named(sql, names):
    with pytest.raises(dialect.PortabilityError, match=names):
        dialect.question(sql, WORDS)


@pytest.mark.parametrize(
    "sql",
    ["insert into a select 1", "create table a (b integer)", "create table a as select b from c order by b + 1"],
)
def test_a_build_that_makes_no_table_from_a_question_is_refused(sql):
    with pytest.raises(dialect.PortabilityError):
        dialect.statement(sql)


def test_rows_are_sorted_in_the_order_of_the_reference_tables():
    found = dialect.question("select site, age from bookings order by all", WORDS)
    assert "ORDER BY ARRAY_POSITION(ARRAY('dallas', 'chicago'), site) NULLS LAST, age NULLS LAST" in found


def test_words_of_a_delivery_end_no_literal():
    """Effects are what clinics report; Spark takes a backslash for more than itself."""
    found = dialect.question("select effect from side_effects order by effect", {"effect": ["can't", "a\\b"]})
    assert r"ARRAY('can\'t', 'a\\b')" in found


def test_what_questions_ask_for_beside_facts_is_written_beside_them():
    asked = {table for query in ABOUT_FACTS.values() for table in dialect.tables(query.sql)}
    asked |= {table for sql in SMALL_COUNTS.values() for table in dialect.tables(sql)}
    assert asked - set(FACTS) == {*BESIDE, *REFERENCE}
    built = {made.makes for name in CUBES for sql in statements(name) if (made := dialect.statement(sql)).makes}
    assert asked & built == set(BESIDE)


def test_every_question_about_facts_is_known_as_one(tmp_path):
    """Where facts are elsewhere, what DuckDB can't answer goes to Spark and nothing else."""
    extract = tmp_path / "extract-1.duckdb"
    facts.begin(extract, tmp_path / "elsewhere").folder.rmdir()
    reading = FactReading(extract, Settings(data=tmp_path))
    asked = {name: query.sql for name, query in queries().items()} | SMALL_COUNTS
    for name, sql in asked.items():
        assert reading.elsewhere(sql) == bool(dialect.tables(sql) & set(FACTS)), name
