"""The query layer: who gets which rows, and what it refuses."""

import os
import shutil
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from dashboard.access import AccessDeniedError
from dashboard.exports import scope_of
from dashboard.filters import parse
from dashboard.queries import Query, queries, read_query
from dashboard.query_faults import QueryTimeoutError, WarehouseError
from dashboard.settings import Settings
from dashboard.shelf import Shelf
from dashboard.warehouse import Warehouse


@pytest.fixture
def values(everything):
    return parse({}, scope_of(everything)).values() | {"by": ("site",), "grain": "day"}


@pytest.fixture
def copy(everything, tmp_path):
    """The extract as a file of the test's own."""
    path = tmp_path / "copy.duckdb"
    path.write_bytes(everything.warehouse.path.read_bytes())
    return path


def test_every_query_says_whom_it_serves_and_restricts_its_sites():
    found = queries()
    assert found
    for query in found.values():
        assert query.serves
        assert not query.by_site or "sites" in query.parameters


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("select 1", "serves"),
        ("-- serves: nonsense\nselect 1", "nonsense"),
        ("-- serves: today\nselect * from daily", "sites"),
    ],
)
def test_a_query_that_could_leak_is_not_accepted(tmp_path, text, message):
    path = tmp_path / "leak.sql"
    path.write_text(text)
    with pytest.raises(WarehouseError, match=message):
        read_query(path)


def test_no_sites_asked_for_gives_the_viewers_own(reader_of, values):
    del values["sites"]
    assert reader_of("manager.dallas").query("counts", **values)["site"].tolist() == ["dallas"]
    assert reader_of("manager.two").query("counts", **values)["site"].tolist() == ["chicago", "dallas"]


def test_a_foreign_site_is_refused(reader_of, values):
    with pytest.raises(AccessDeniedError, match="miami_beach"):
        reader_of("manager.dallas").query("counts", **values | {"sites": ("dallas", "miami_beach")})


def test_a_role_is_refused_queries_that_serve_none_of_its_pages(reader_of, values):
    with pytest.raises(AccessDeniedError, match="effect_counts"):
        reader_of("finance").query("effect_counts", **values)


def test_the_cache_keeps_viewers_apart(reader_of, values):
    del values["sites"]
    for name, sites in (("manager.dallas", 1), ("director", 3), ("manager.chicago", 1), ("director", 3)):
        assert len(reader_of(name).query("counts", **values)) == sites


def test_what_a_caller_does_to_its_frame_stays_with_it(everything, values):
    first = everything.query("counts", **values)
    first.loc[:, "bookings"] = -1
    first["more"] = 1
    again = everything.query("counts", **values)
    assert (again["bookings"] > 0).all()
    assert "more" not in again.columns


def test_missing_and_excess_values_are_named(everything, values):
    del values["grain"]
    with pytest.raises(WarehouseError, match="missing values: grain; excess: colour"):
        everything.query("counts", **values, colour="red")


def test_unknown_queries_are_named(everything):
    with pytest.raises(WarehouseError, match="no such query: nonsense"):
        everything.query("nonsense")


def test_what_takes_too_much_memory_says_so_and_leaves_the_extract_in_use(copy, settings_of):
    house = Warehouse(copy, settings_of(memory_limit="40MB"))
    with pytest.raises(WarehouseError, match="DASHBOARD_MEMORY_LIMIT"):
        house._run("select len(list(range)) from range(20000000)", {})
    assert not house.damaged
    house.ping()
    house.close()


def test_a_runaway_query_is_stopped_and_says_so(copy, settings_of):
    house = Warehouse(copy, settings_of(query_seconds=0.2))
    with pytest.raises(QueryTimeoutError, match="was stopped"):
        house._run("select sum(a.range * b.range) from range(1000000) a, range(1000000) b", {})
    house.close()


def test_no_watch_outlives_its_query(copy, settings_of):
    """A thread that still holds a cursor when the process ends has DuckDB's module say that it leaks."""
    house = Warehouse(copy, settings_of())
    before, usual = set(threading.enumerate()), sys.getswitchinterval()
    # Another thread goes on only where this one waits for it.
    sys.setswitchinterval(10)
    try:
        for _ in range(300):
            house._run("select 1", {})
            assert set(threading.enumerate()) <= before
    finally:
        sys.setswitchinterval(usual)
    house.close()


@pytest.mark.parametrize(
    "sql",
    [
        "copy (select 1) to '/tmp/leak.csv'",
        "select * from read_csv('/etc/passwd')",
        "attach '/tmp/other.duckdb'",
        "set enable_external_access = true",
        "create table t (a int)",
        "install httpfs",
    ],
)
def test_sql_reaches_nothing_but_the_extract(everything, sql):
    with pytest.raises(duckdb.Error):
        everything.warehouse._run(sql, {})


def test_threads_get_their_own_rows(reader_of):
    """A connection shared between threads mixes answers up; a cursor for each call doesn't."""
    wrong, names = [], {"manager.chicago": "chicago", "manager.dallas": "dallas", "manager.miami": "miami_beach"}

    def ask(name, site):
        reader = reader_of(name)
        for day in range(40):
            house = reader.warehouse
            filters = parse({"period": ["90-days"]}, scope_of(reader))
            rows = house._run(
                queries()["counts"].sql,
                filters.values() | {"sites": [site], "by": ["site", "period"], "grain": "day",
                                    "lines": list(filters.scope.lines), "bands": list(filters.scope.bands)},
            )  # fmt: skip
            if set(rows["site"]) != {site}:
                wrong.append((name, day))

    threads = [threading.Thread(target=ask, args=pair) for pair in [*names.items()] * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_shelf_follows_the_pointer_and_keeps_the_last_good_extract(everything, settings_of, tmp_path):
    settings = settings_of(data=tmp_path)
    settings.extracts.mkdir(parents=True)
    shelf = Shelf(settings)
    with pytest.raises(WarehouseError, match="dashboard import"):
        shelf.current()
    source = everything.warehouse.path
    target = settings.extracts / source.name
    target.write_bytes(source.read_bytes())
    pointer = settings.extracts / "current.json"
    pointer.write_text((source.parent / "current.json").read_text())
    house = shelf.current()
    assert house.catalogue.name == everything.catalogue.name
    assert shelf.warning is None
    pointer.write_text("{damaged")
    assert shelf.current() is house
    assert "damaged" in shelf.warning
    house.close()


def test_a_file_that_was_harmed_is_found_out_though_nothing_is_asked_of_it(everything, settings_of, tmp_path):
    settings = settings_of(data=tmp_path)
    settings.extracts.mkdir(parents=True)
    source = everything.warehouse.path
    path = settings.extracts / source.name
    shutil.copy2(source, path)
    shutil.copy2(source.parent / "current.json", settings.extracts)
    shelf = Shelf(settings)
    house = shelf.look()
    # Only touched: every byte is right, and it stays in use.
    os.utime(path)
    assert shelf.look() is house
    assert (shelf.warning, house.damaged) == (None, False)
    path.chmod(0o600)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xff" * 64)
    assert shelf.current().path == path
    assert shelf.warning is None
    with pytest.raises(WarehouseError):
        shelf.look()
    assert "import the delivery again" in shelf.warning
    house.close()


def test_an_extract_of_another_schema_version_is_refused(copy, settings_of):
    with duckdb.connect(str(copy)) as connection:
        connection.execute("update extract_info set schema_version = 99")
    with pytest.raises(WarehouseError, match="schema version 99"):
        Warehouse(copy, settings_of())


def test_a_file_that_is_no_extract_is_refused(settings_of, tmp_path):
    path = tmp_path / "nonsense.duckdb"
    path.write_bytes(b"nonsense" * 1000)
    with pytest.raises(WarehouseError, match="import the delivery again"):
        Warehouse(path, settings_of())


#: What the open connection itself says it may do.
LOCKED = {
    "access_mode": "read_only",
    "enable_external_access": False,
    "lock_configuration": True,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,
}


def test_the_connection_runs_with_the_settings_that_defend_it(house):
    cursor = house._connection.cursor()
    found = {name: cursor.execute("select current_setting($name)", {"name": name}).fetchone()[0] for name in LOCKED}
    assert found == LOCKED


def test_a_file_is_stopped_in_the_middle_when_its_next_part_does_not_come(everything, copy, settings_of, monkeypatch):
    sql = (
        "select a.range as n from range(100000) a where $sites is not null union all "
        "select b.range + c.range from range(100000000) b, range(1000000) c where hash(b.range + c.range) = 1"
    )
    monkeypatch.setitem(queries(), "slow", Query("slow", sql, frozenset({"sites"}), ("today",), True))
    house = Warehouse(copy, settings_of(query_seconds=1))
    parts = house.stream(everything.viewer, "slow")
    assert len(next(parts)) > 0
    with pytest.raises(QueryTimeoutError, match="was stopped"):
        list(parts)
    house.close()


def test_one_file_can_be_opened_by_several_at_once(house, tmp_path):
    for turn in range(8):
        # A file of its own each turn: one that is open already is locked already.
        path = Path(shutil.copy(house.path, tmp_path / f"{turn}.duckdb"))
        with ThreadPoolExecutor(8) as pool:
            opened = list(pool.map(lambda _, path=path: Warehouse(path, Settings(data=tmp_path)), range(8)))
        for one in opened:
            one.ping()
            one.close()


def test_what_a_killed_process_left_of_rows_goes_after_a_day(house, settings_of, tmp_path):
    """Of what is not of today, be it a file or a folder; what a link leads to stays."""
    settings = settings_of(data=tmp_path)
    spill, elsewhere = settings.data / "spill", tmp_path / "elsewhere"
    for name in ("old", "young"):
        (spill / name).mkdir(parents=True)
        (spill / name / "rows.xlsx").write_text("rows")
    (spill / "duckdb_temp_storage_0.tmp").write_text("rows")
    elsewhere.mkdir()
    (elsewhere / "kept").write_text("kept")
    (spill / "link").symlink_to(elsewhere)
    for path in (spill / "old" / "rows.xlsx", spill / "old", spill / "young", spill / "duckdb_temp_storage_0.tmp",
                 spill / "link"):  # fmt: skip
        os.utime(path, (1, 1), follow_symlinks=False)
    Warehouse(Path(shutil.copy(house.path, tmp_path / "own.duckdb")), settings).close()
    assert sorted(path.name for path in spill.iterdir()) == ["young"]
    assert (elsewhere / "kept").exists()
