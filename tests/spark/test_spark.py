"""Cubes, facts and answers of a real Spark with two workers, against DuckDB's. One server for all, so one file."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from dataclasses import replace

import duckdb
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from dashboard import exports, filters, surveillance
from dashboard.access import AccessDeniedError, Role, Viewer
from dashboard.cli import main
from dashboard.intake import facts, pointer
from dashboard.intake.fact_tables import FACTS, FOLDER
from dashboard.intake.publish import import_delivery
from dashboard.queries import queries
from dashboard.query_faults import QueryTimeoutError, WarehouseError
from dashboard.settings import Settings
from dashboard.shelf import Shelf
from dashboard.spark import dialect
from dashboard.spark.engine import SparkBuild
from dashboard.spark.session import Spark, SparkError, SparkTimeoutError
from dashboard.warehouse import Reader, Warehouse
from tests.spark.questions import ABOUT_FACTS, SMALL_COUNTS, values_for

pytestmark = pytest.mark.spark

EVERYBODY = (Viewer("a", "A", Role.ADMIN), Viewer("d", "D", Role.MEDICAL_DIRECTOR), Viewer("f", "F", Role.FINANCE))
MANAGER = Viewer("m", "M", Role.MANAGER, frozenset({"dallas"}))
#: Says when and under which name it was built.
OF_ITS_OWN = {"extract_info"}


@contextlib.contextmanager
def opened(imported):
    """SQL on an extract of either kind."""
    found = facts.facts_of(imported.extract)
    # A copy, since one process opens a file in one way only.
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(shutil.copy(imported.extract, folder)) as connection:
        if found:
            connection.execute(f"set variable {FOLDER} = $folder", {"folder": str(found.folder)})
        yield connection


@pytest.fixture(scope="module")
def house(by_duckdb):
    with contextlib.closing(Warehouse(by_duckdb.extract, Settings(data=by_duckdb.data))) as found:
        yield found


@pytest.fixture(scope="module")
def parquet_house(by_spark):
    """The extract of Spark's, whose facts this machine sees."""
    with contextlib.closing(Warehouse(by_spark.extract, Settings(data=by_spark.data))) as found:
        yield found


@pytest.fixture(scope="module")
def far_house(by_spark, spark_address, tmp_path_factory):
    """The same where this machine didn't see the facts when it opened the extract, and Spark's workers do."""
    # On a busy machine three Java processes take their time.
    settings = {"spark": spark_address, "query_seconds": 300}
    with contextlib.closing(far(by_spark, tmp_path_factory.mktemp("far"), **settings)) as found:
        yield found


def all_of(house):
    """What `both_of_lines`, a question about facts, takes beside the sites."""
    told = house.catalogue
    chosen = {"lines": list(told.lines), "bands": list(told.bands), "by": ["site"]}
    return chosen | {"start": told.first_day, "end": told.last_full_day}


def far(imported, data, **settings):
    copy = data / imported.extract.name
    shutil.copyfile(imported.extract, copy)
    folder = facts.facts_of(imported.extract).folder
    facts.list_of(copy).write_text(facts.list_of(imported.extract).read_text().replace(
        f'"folder": "{folder.name}"', f'"folder": "{folder}"'))  # fmt: skip
    away = folder.with_name("away")
    folder.rename(away)
    try:
        return Warehouse(copy, Settings(data=data, **settings))
    finally:
        away.rename(folder)


def viewer_of(query):
    return next(one for one in EVERYBODY if any(one.role in exports.access.RESOURCES[name] for name in query.serves))


def test_every_table_is_equal(by_duckdb, by_spark):
    """Rows, their order, columns and types; facts through their views."""
    with opened(by_duckdb) as ours, opened(by_spark) as theirs:
        tables = [name for (name,) in ours.execute("select table_name from duckdb_tables()").fetchall()]
        assert set(FACTS) < set(tables)
        for table in tables:
            assert ours.execute(f"describe {table}").fetchall() == theirs.execute(f"describe {table}").fetchall()
            rows = ours.execute(f"from {table}").fetchall()
            if table not in OF_ITS_OWN:
                assert rows == theirs.execute(f"from {table}").fetchall(), table
            if table in {
                *FACTS,
                "daily",
                "daily_effects",
                "daily_outcomes",
                "daily_returns",
                "courses",
                "hourly",
                "daily_payments",
            }:
                assert len(rows) > 50, table


def test_nothing_is_added_to_parquet(by_spark, delivery):
    done = CliRunner().invoke(main, ["import", str(delivery), "--add", "--data", str(by_spark.data)])
    assert done.exit_code == 1
    assert f"the facts of {by_spark.extract.name} are Parquet files, to which nothing can be added" in done.output


def answer(house, viewer, query, values):
    """What a question gives; of one that has several levels, one below the other."""
    if not query.levels:
        return house.query(viewer, query.name, **values)
    levels = ((), ("site",), ("line",), ("band",))
    return pd.concat([house.at_level(viewer, query.name, by, **values) for by in levels], ignore_index=True)


@pytest.mark.parametrize("name", queries())
def test_every_question_is_answered_alike_from_parquet(name, house, parquet_house, by_duckdb):
    with opened(by_duckdb) as connection:
        known = values_for(connection)
    query = queries()[name]
    values = {key: known[key] for key in query.parameters}
    for viewer in EVERYBODY:
        with contextlib.suppress(AccessDeniedError):
            ours, theirs = (answer(one, viewer, query, values) for one in (house, parquet_house))
            if name != "extract_info":
                pd.testing.assert_frame_equal(ours, theirs)


def test_every_question_about_facts_is_answered_alike_by_spark(house, far_house, by_duckdb):
    """In one test, as one server answers them one after the other."""
    with opened(by_duckdb) as connection:
        known = values_for(connection)
    empty = set()
    for name, query in ABOUT_FACTS.items():
        ours, theirs = (
            pd.concat(
                list(one.stream(viewer_of(query), name, **{key: known[key] for key in query.parameters})),
                ignore_index=True,
            )
            if name.startswith("rows_")
            else answer(one, viewer_of(query), query, {key: known[key] for key in query.parameters})
            for one in (house, far_house)
        )
        if query.order:
            # The extract's order; what lies at one moment at one site has none but the delivery's, and here its ids'.
            _, _, moment, key = query.order.split()
            frames = []
            for frame in (ours, theirs):
                order = [
                    (t.date(), known["sites"].index(site), t)
                    for t, site in zip(frame[moment], frame["site"], strict=True)
                ]
                assert order == sorted(order)
                frames.append(frame.sort_values([moment, "site", key]).reset_index(drop=True))
            ours, theirs = frames
        pd.testing.assert_frame_equal(ours, theirs, check_dtype=False, obj=name)
        if ours.empty:
            empty.add(name)
    assert not empty & {
        "rows_bookings",
        "rows_payments",
        "rows_invoices",
        "rows_side_effects",
        "event_list",
        "patients",
    }
    assert len(empty) <= 2


def test_small_counts_are_decided_alike(house, far_house):
    ours, theirs = (one.small_counts.site("dallas").shown for one in (house, far_house))
    assert not ours.all()
    assert np.array_equal(ours, theirs)


def test_a_file_is_the_same_byte_for_byte(house, parquet_house, far_house):
    for name in ("invoice_rows", "side_effect_rows"):
        viewer = EVERYBODY[1] if name == "side_effect_rows" else EVERYBODY[2]
        files = []
        for one in (house, parquet_house, far_house):
            reader = Reader(one, viewer)
            chosen = filters.parse({"period": ["12-months"]}, exports.scope_of(reader))
            body, _ = exports.asked(reader, exports.DATASETS[name], chosen.query()).write("csv")
            files.append(b"".join(body))
        assert files[0].count(b"\n") > 100
        assert files[0] == files[1] == files[2]


def test_alarms_are_told_while_spark_cannot_be_reached(by_spark, tmp_path, caplog):
    """They are worked out from cubes; how visits of a patient go together would be for Spark to say."""
    with contextlib.closing(far(by_spark, tmp_path, spark="sc://127.0.0.1:9")) as house:
        rows = surveillance.surveil(Reader(house, Viewer("dan", "Dan Ho", Role.MEDICAL_DIRECTOR)))
    assert len(rows) > 50
    assert set(rows["design"]) == {1.0}
    assert "taken as independent" in caplog.text


def test_a_manager_gets_no_row_of_another_site_from_spark(far_house, by_duckdb):
    with opened(by_duckdb) as connection:
        known = values_for(connection)
    values = {key: known[key] for key in ABOUT_FACTS["rows_bookings"].parameters if key != "sites"}
    rows = pd.concat(list(far_house.stream(MANAGER, "rows_bookings", **values)))
    assert set(rows["site"]) == {"dallas"}
    with pytest.raises(AccessDeniedError):
        far_house.query(MANAGER, "both_of_lines", **all_of(far_house) | {"sites": ["chicago"]})
    with pytest.raises(AccessDeniedError):
        next(far_house.stream(MANAGER, "rows_side_effects", **values))


def test_without_a_server_the_message_says_what_to_set(by_spark, house, tmp_path):
    with contextlib.closing(far(by_spark, tmp_path)) as blind:
        with pytest.raises(WarehouseError, match=r"lie in .*set DASHBOARD_SPARK"):
            blind.query(EVERYBODY[0], "both_of_lines", **all_of(house))
        assert len(blind.query(EVERYBODY[0], "worklist_forms", until=house.catalogue.last_full_day)) > 0
        assert len(blind.query(EVERYBODY[0], "late_forms")) > 0


def test_spark_is_stopped_after_the_time_that_a_question_may_take(by_spark, spark_address, house, tmp_path):
    with contextlib.closing(far(by_spark, tmp_path, spark=spark_address, query_seconds=300)) as hasty:
        # Only now: less than Spark takes for anything may be too little to open an extract.
        hasty._seconds = 0.002
        with pytest.raises(QueryTimeoutError, match="longer than 0 seconds in Spark"):
            hasty.query(EVERYBODY[0], "both_of_lines", **all_of(house))


def test_a_session_that_the_server_ended_is_opened_again(by_spark, spark_address, house, tmp_path):
    with contextlib.closing(far(by_spark, tmp_path, spark=spark_address, query_seconds=300)) as one:
        values = all_of(house)
        first = one.query(EVERYBODY[0], "both_of_lines", **values)
        one._facts._rows._spark._session.client.release_session()
        values["end"] -= pd.Timedelta(days=1)
        assert len(one.query(EVERYBODY[0], "both_of_lines", **values)) > 0
        assert len(first) > 0


def test_what_spark_cannot_do_is_told_in_a_line(spark_address, tmp_path):
    spark = Spark(spark_address)
    with pytest.raises(SparkError, match=r"^Spark at 127\.0\.0\.1:\d+ could not do this: [^\n]*nowhere[^\n]*$"):
        spark.ask("select * from nowhere", {})
    with pytest.raises(SparkTimeoutError):
        spark.ask("select count(*) from range(100000000000) as a cross join range(1000)", {}, seconds=0.5)
    with pytest.raises(SparkError):
        spark.see(tmp_path / "empty", ["bookings"])
    spark.close()


def test_division_by_zero_and_overflow_are_errors_and_not_another_answer(spark_address):
    spark = Spark(spark_address)
    for sql in ("select 1 / 0 as a", "select cast(9223372036854775807 as bigint) + 1 as a"):
        with pytest.raises(SparkError):
            spark.ask(dialect.question(sql, {}), {})
    spark.close()


def test_commands_list_it_go_back_to_it_and_remove_it(delivery, by_spark, tmp_path, monkeypatch):
    """From the command line: the next import, a damaged file of facts, going back, clearing up."""
    # Facts in the folder of the extracts move with it.
    shutil.copytree(by_spark.data, tmp_path / "data")
    monkeypatch.setenv("DASHBOARD_DATA", str(tmp_path / "data"))
    extracts = tmp_path / "data" / "extracts"

    def run(*arguments, code=0):
        done = CliRunner().invoke(main, list(arguments))
        assert done.exit_code == code, done.output
        return done.output

    first = pointer.named(extracts)
    folder = facts.facts_of(first.path).folder
    assert folder.parent == extracts
    assert "intact" in run("extracts", "list")

    run("import", str(delivery))
    second = pointer.named(extracts)
    assert second.facts is None
    with duckdb.connect(str(second.path), read_only=True) as connection:
        compared = connection.execute("select sum(rows_before), sum(added), sum(removed), sum(changed) from changes")
        before, *differences = compared.fetchone()
        # Against facts in Parquet; the same delivery, so nothing changed.
        assert before > 3_000
        assert differences == [0, 0, 0]

    run("extracts", "use", first.name)
    shelf = Shelf(Settings(data=tmp_path / "data"))
    assert shelf.current().path == first.path
    shelf.current().close()

    damaged = sorted(folder.glob("bookings/*.parquet"))[0]
    damaged.chmod(0o640)
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    assert "damaged" in run("extracts", "list")
    assert "not as it was published" in run("extracts", "use", first.name, code=1)
    shelf = Shelf(Settings(data=tmp_path / "data"))
    assert shelf.current().path == second.path
    assert "was changed after it was published" in shelf.warning
    shelf.current().close()

    run("extracts", "use", second.name)
    assert first.name in run("extracts", "prune", "--keep", "1")
    assert not folder.exists()
    assert [path.suffix for path in sorted(extracts.glob(f"{first.path.stem}*"))] == []


def test_an_import_that_fails_in_spark_leaves_no_facts(delivery, spark_address, tmp_path):
    with SparkBuild(spark_address, tmp_path / "shared") as build:
        # As when the server is stopped meanwhile.
        build._spark._session.client.release_session()
        with pytest.raises(SparkError, match="could not do this"):
            import_delivery(delivery, tmp_path / "data", spark=build)
    assert list((tmp_path / "shared").iterdir()) == []
    assert list((tmp_path / "data" / "extracts").glob("extract-*")) == []


def test_pages_cannot_read_or_write_beyond_the_facts(parquet_house, by_spark):
    """Views need files, and no statement gets at others."""
    cursor = parquet_house._cursor()
    assert cursor.execute("select count(*) from bookings").fetchone()[0] > 1_000
    for sql in (
        "from read_csv('/etc/passwd')",
        "copy (select 1) to '/tmp/written.parquet'",
        f"attach '{by_spark.data}/x'",
    ):
        with pytest.raises(duckdb.Error):
            cursor.execute(sql)
    files = list(facts.facts_of(by_spark.extract).folder.rglob("*.parquet"))
    assert {oct(path.stat().st_mode & 0o777) for path in files} == {"0o440"}
    assert {oct(path.parent.stat().st_mode & 0o777) for path in files} == {"0o550"}


def test_settings_are_not_lost(by_spark, spark_address):
    """An extract with facts of its own never asks Spark."""
    settings = replace(Settings(data=by_spark.data), spark=spark_address)
    with contextlib.closing(Warehouse(by_spark.extract, settings)) as found:
        assert not any(found._facts.elsewhere(query.sql) for query in queries().values())
        assert SMALL_COUNTS
