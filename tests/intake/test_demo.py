"""The demo delivery: the same bytes for the same seed, and what is planted can be found."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dashboard.intake.demo import write_delivery
from dashboard.intake.demo_tables import NAUSEA_FROM, NAUSEA_SITE
from dashboard.intake.demo_visits import NO_SHOWS_FROM, NO_SHOWS_SITE
from dashboard.intake.publish import import_delivery
from dashboard.intake.report import ImportReport
from dashboard.settings import ROOT


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> ImportReport:
    folder = tmp_path_factory.mktemp("demo")
    write_delivery(folder / "delivery")
    return import_delivery(folder / "delivery", folder / "data")


@pytest.fixture(scope="module")
def extract(imported: ImportReport) -> Any:
    with duckdb.connect(str(imported.path), read_only=True) as connection:
        yield lambda sql, **values: connection.execute(sql, values).fetchall()


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        write_delivery(tmp_path / name, bookings=700, seed=seed)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert digests(tmp_path / "a").items() & digests(tmp_path / "c").items() == set()


def test_same_delivery_same_facts(tmp_path: Path) -> None:
    write_delivery(tmp_path / "delivery", years=1, bookings=700)
    contents = []
    for data in ("one", "two"):
        path = import_delivery(tmp_path / "delivery", tmp_path / data).path
        with duckdb.connect(str(path), read_only=True) as connection:
            tables = ("bookings", "side_effects", "payments", "scores", "daily", "rejects")
            contents.append([connection.execute(f"from {table}").fetchall() for table in tables])
    assert contents[0] == contents[1]


def test_every_faulty_row_is_found_and_no_other(imported: ImportReport, extract: Any) -> None:
    counts = [(file.source, file.rows_accepted, file.rows_rejected) for file in imported.files]
    assert counts[0] == ("bookings", 60_000, 8)
    assert [rejected for _, _, rejected in counts] == [8, 2, 1, 1]
    assert len(imported.reasons) == 12
    text = (ROOT / "docs" / "demo.md").read_text(encoding="utf-8")
    for file, line in extract("select distinct file, line from rejects"):
        assert f"| `{file}` | {line:,} |" in text


def test_the_snapshot_is_an_evening(extract: Any) -> None:
    [[first, last_full, last]] = extract("select first_day, last_full_day, last_day from extract_info")
    assert (str(first), str(last_full)) == ("2024-10-31", "2026-10-30")
    assert 20 <= (last - last_full).days <= 28
    assert extract("select count(*) from bookings where (starts_on > '2026-10-30') <> (status = 'booked')")[0][0] < 80
    assert extract("select count(*) from bookings where booked_on > '2026-10-30' or lead_days < 0") == [(0,)]
    assert extract("select count(*) from bookings where cancelled_at > '2026-10-31' or cancelled_at < booked_on") == [
        (0,)
    ]
    assert extract("select count(*) from payments where paid_on > '2026-10-30'") == [(0,)]


def test_chairs_are_never_overbooked_on_a_day(extract: Any) -> None:
    loads = extract(
        "select site, date, coalesce(sum(chair_minutes), 0), any_value(capacity_minutes) from calendar "
        "left join bookings using (site) where starts_on = date and status in ('arrived', 'completed') group by all"
    )
    assert all(spent < capacity for _, _, spent, capacity in loads)
    share = sum(row[2] for row in loads) / sum(row[3] for row in loads)
    assert 0.45 < share < 0.75


def test_planted_nausea(extract: Any) -> None:
    rates = {
        (site, late): rate
        for site, late, rate in extract(
            "select site, starts_on >= $start, avg((booking_id in (select booking_id from side_effects "
            "where effect = 'nausea'))::int) from bookings where line = 'ketamine' and status = 'completed' group by all",
            start=NAUSEA_FROM,
        )
    }
    planted = rates.pop((NAUSEA_SITE, True))
    assert all(0.04 < rate < 0.06 for rate in rates.values())
    assert 1.9 < planted / rates[NAUSEA_SITE, False] < 2.5


def test_planted_no_shows(extract: Any) -> None:
    rates = {
        (site, monday, late): rate
        for site, monday, late, rate in extract(
            "select site, isodow(starts_on) = 1, starts_on >= $start, avg((status = 'no_show')::int) from bookings "
            "where status in ('arrived', 'completed', 'no_show') group by all",
            start=NO_SHOWS_FROM,
        )
    }
    planted = rates.pop((NO_SHOWS_SITE, True, True))
    assert all(0.055 < rate < 0.085 for rate in rates.values())
    assert 0.14 < planted < 0.18


def test_ages_series_and_rare_events(extract: Any) -> None:
    assert extract("select min(age), max(age), count(*) filter (where age is null) > 100 from bookings")[0] == (
        12,
        90,
        True,
    )
    [[six, others]] = extract(
        "select count(*) filter (where n = 6), count(*) filter (where n > 6) from (select count(*) as n from bookings "
        "where service = 'ketamine-infusion' and status in ('arrived', 'completed') group by patient)"
    )
    assert six > 2_000
    assert others == 0
    assert extract("select count(*) from side_effects where effect = 'cardiac_arrest'") == [(0,)]
    assert extract("select transfer, serious from side_effects where effect = 'respiratory_failure'") == [
        (True, True)
    ]
    assert extract("select 100 * avg(assessed::int) between 91 and 96 from bookings where status = 'completed'") == [
        (True,)
    ]


def test_packages_balance(extract: Any) -> None:
    """Nobody redeems, gets back or loses more than was sold."""
    assert extract(
        "select count(*) from (select patient, sum(case kind when 'package_sale' then amount_cents "
        "else -amount_cents end) as left_over from payments where kind like 'package%' "
        "or (kind = 'refund' and booking_id is null) group by patient) where left_over < 0"
    ) == [(0,)]


@pytest.mark.parametrize("dimension", ["site", "line", "band", "status", "service"])
def test_cubes_are_the_facts(extract: Any, dimension: str) -> None:
    sums = (
        "count(*), sum(chair_minutes), sum(price_cents), count(price_cents), sum(is_new::int), "
        "sum((status = 'completed')::int), sum((status = 'completed' and assessed)::int), "
        "sum((status = 'completed' and has_effect)::int), sum((status = 'completed' and has_serious)::int), "
        "sum((status = 'completed' and has_severe)::int), "
        "sum((status = 'completed' and supervision = 'not_recorded')::int)"
    )
    cube = (
        "sum(bookings), sum(chair_minutes), sum(price_cents), sum(priced), sum(new_patients), sum(completed), "
        "sum(assessed), sum(with_effect), sum(with_serious), sum(with_severe), sum(supervised_not_recorded)"
    )
    facts = extract(f"select {dimension}, {sums} from bookings group by all order by all")
    daily = extract(f"select {dimension}, {cube} from daily group by all order by all")
    assert [tuple(v or 0 for v in row) for row in facts] == [tuple(v or 0 for v in row) for row in daily]


def test_the_cube_of_effects_is_the_facts(extract: Any) -> None:
    facts = (
        "select effect, count(*), sum((status = 'completed')::int), "
        "count(distinct booking_id) filter (where status = 'completed'), sum(serious::int), sum(transfer::int) "
        "from side_effects group by all order by all"
    )
    cube = (
        "select effect, sum(events), sum(events_completed), sum(infusions), sum(serious), sum(transfers) "
        "from daily_effects group by all order by all"
    )
    assert extract(facts) == extract(cube)
    assert extract("select hour, sum(bookings) from hourly group by all order by all") == extract(
        "select hour(starts_at), count(*) from bookings group by all order by all"
    )
