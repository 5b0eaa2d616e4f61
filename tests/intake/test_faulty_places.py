"""Files that are no files, have odd names, change while they are read, or hold another kind of thing."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import io
import lzma
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from intake_clinic import BOOKINGS, EVENTS, VISIT_COLUMNS, Clinic

from dashboard.cli import main
from dashboard.intake.contract import DeliveryError
from dashboard.intake.reading.finding import find_sources
from dashboard.intake.reading.reader import Survey, survey
from dashboard.intake.rejects import write_rejects

ROW = "{},P1,chicago,vitamin-c,2026-01-05 09:00,completed"


def refused(clinic: Clinic, **options: object) -> str:
    with pytest.raises(DeliveryError) as refusal:
        clinic.publish(**options)
    return str(refusal.value)


def ids(clinic: Clinic) -> list[str]:
    return [name for (name,) in clinic.ask("select booking_id from bookings order by all")]


@pytest.mark.parametrize("name", ["bookings-[1].csv", "bookings-*.csv", "bookings-?.csv"])
def test_a_name_like_a_pattern_is_that_of_one_file(clinic: Clinic, name: str) -> None:
    """And not of others that match it: with as many rows nobody would notice."""
    (clinic.delivery / "bookings.csv").unlink()
    clinic.write(name, BOOKINGS, ROW.format("pattern"))
    clinic.write("bookings-1.csv", BOOKINGS, ROW.format("plain"))
    clinic.publish()
    assert ids(clinic) == ["pattern", "plain"]


def test_a_folder_like_a_pattern_is_that_folder(make_clinic: Callable[[], Clinic]) -> None:
    clinic = make_clinic()
    for folder, name in (("in[1]", "wanted"), ("in1", "other")):
        (clinic.delivery / folder).mkdir()
        clinic.write(f"{folder}/bookings.csv", BOOKINGS, ROW.format(name))
        clinic.write(f"{folder}/side_effects.csv", EVENTS)
    clinic.delivery /= "in[1]"
    clinic.publish()
    assert ids(clinic) == ["wanted"]


def test_a_parquet_file_with_a_name_like_a_pattern(clinic: Clinic) -> None:
    for name, booking in (("visits-[1].parquet", "pattern"), ("visits-1.parquet", "plain")):
        rows = f"select '{booking}' id, 'P1' patient, 'chicago' site, '2026-01-05 09:00' as start"
        duckdb.sql(rows).write_parquet(str(clinic.delivery.parent / "made.parquet"))
        (clinic.delivery.parent / "made.parquet").rename(clinic.delivery / name)
    mapping = clinic.delivery.parent / "m.toml"
    mapping.write_text(f'[bookings]\nfile = "visits*"\n{VISIT_COLUMNS}', encoding="utf-8")
    clinic.publish(mapping=mapping)
    assert ids(clinic) == ["pattern", "plain"]


def test_a_folder_named_like_a_column_gives_no_value(make_clinic: Callable[[], Clinic]) -> None:
    """As folders of partitioned data would: columns are numbered when they are read."""
    clinic = make_clinic()
    (clinic.delivery / "0=mars").mkdir()
    for name in ("bookings.csv", "side_effects.csv"):
        (clinic.delivery / name).rename(clinic.delivery / "0=mars" / name)
    clinic.delivery /= "0=mars"
    clinic.publish()
    assert ids(clinic) == ["B1"]


@pytest.mark.parametrize("kind", ["folder", "pipe", "link to nothing", "link to itself"])
@pytest.mark.parametrize("name", ["bookings-2.csv", "payments.csv"])
def test_a_part_that_is_no_file_is_refused(clinic: Clinic, name: str, kind: str) -> None:
    """Its rows would be missing, and nothing would say so."""
    path = clinic.delivery / name
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("gone.csv" if kind == "link to nothing" else name)
    message = refused(clinic)
    assert f"{path} is " in message
    assert "put the file there, or take it away" in message


def test_a_mapped_link_to_nothing_is_refused(clinic: Clinic) -> None:
    clinic.write("visits-1.csv", "id,patient,site,start", "V1,P1,chicago,2026-01-05 09:00")
    (clinic.delivery / "visits-2.csv").symlink_to("gone.csv")
    mapping = clinic.delivery.parent / "m.toml"
    mapping.write_text(f'[bookings]\nfile = "visits-*.csv"\n{VISIT_COLUMNS}', encoding="utf-8")
    assert "visits-2.csv is neither a file" in refused(clinic, mapping=mapping)


def test_names_in_capitals_are_those_of_tables(clinic: Clinic) -> None:
    clinic.write("BOOKINGS-2.CSV", BOOKINGS, ROW.format("B2"))
    clinic.publish()
    assert ids(clinic) == ["B1", "B2"]


def test_what_is_no_table_by_its_name_is_told(clinic: Clinic) -> None:
    for name in (
        "bookings_2.csv",
        "bookings (1).csv",
        "bookings-2.csv.zip",
        "payments.tsv",
        ".bookings.csv",
        "a.pdf",
    ):
        clinic.write(name, BOOKINGS, ROW.format("B2"))
    clinic.publish()
    assert clinic.report.notes == (
        "not read, since they have no name of a table: bookings (1).csv, bookings-2.csv.zip, bookings_2.csv, "
        "payments.tsv. A table is called bookings.csv, and a part of it bookings-PART.csv",
    )


def test_a_name_that_is_no_text_is_refused(clinic: Clinic) -> None:
    clinic.write(os.fsdecode(b"bookings-\xff.csv"), BOOKINGS, ROW.format("B2"))
    assert "the name of bookings-\\xff.csv in delivery is not UTF-8; rename it" in refused(clinic)
    drafted = CliRunner().invoke(main, ["mapping", "draft", str(clinic.delivery)])
    assert "bookings-\\xff.csv" in drafted.output
    assert isinstance(drafted.exception, SystemExit)


def test_a_name_that_is_no_text_beside_the_tables_is_passed_over(clinic: Clinic) -> None:
    clinic.write(os.fsdecode(b"other-\xff.csv"), "x")
    args = [
        "import",
        str(clinic.delivery),
        "--data",
        str(clinic.data),
        "--report",
        str(clinic.data.parent / "r.json"),
    ]
    done = CliRunner().invoke(main, args)
    assert done.exit_code == 0, done.output
    assert "other-\\xff.csv" in done.output


def test_names_do_not_command_a_terminal(clinic: Clinic) -> None:
    clinic.write("bookings-\x1b[31m\nred.csv", f"{BOOKINGS},note\x07", f"{ROW.format('B2')},")
    done = CliRunner().invoke(main, ["import", str(clinic.delivery), "--data", str(clinic.data)])
    assert "\\x1b[31m\\nred" in done.output
    assert not set("\x1b\x07") & set(done.output)


def test_rejects_of_a_file_with_the_longest_name(clinic: Clinic, tmp_path: Path) -> None:
    clinic.write(f"bookings-{'x' * 242}.csv", BOOKINGS, ROW.format("B2").replace("chicago", "mars"))
    clinic.publish(rejects=tmp_path / "mend")
    [written] = (tmp_path / "mend").iterdir()
    assert written.name.startswith("bookings-xxx")
    assert written.name.endswith("x-rejects.csv")


def test_a_file_that_changes_while_it_is_read_is_refused(clinic: Clinic) -> None:
    """What was counted and what was taken would be two things with one digest."""
    source = next(one for one in find_sources(clinic.delivery) if one.path.name == "bookings.csv")

    def write_on(_: int) -> None:
        source.path.write_text(f"{BOOKINGS}\n{ROW.format('B9')}\n", encoding="utf-8")

    with pytest.raises(DeliveryError, match=r"bookings\.csv was changed while it was read.*import again when"):
        survey(source, write_on)


def test_rejects_are_not_copied_from_a_file_that_has_changed(clinic: Clinic, tmp_path: Path) -> None:
    clinic.write("bookings.csv", BOOKINGS, ROW.format("B1"), ROW.format("B1"))
    clinic.publish()
    surveys: list[Survey] = [survey(one, lambda _: None) for one in find_sources(clinic.delivery)]
    clinic.write("bookings.csv", BOOKINGS, ROW.format("other"), ROW.format("lines"))
    with (
        duckdb.connect(str(clinic.report.path), read_only=True) as connection,
        pytest.raises(DeliveryError, match="was changed"),
    ):
        write_rejects(connection, surveys, tmp_path / "mend")


def packed_zip() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("bookings.csv", BOOKINGS)
    return made.getvalue()


TAR = b"bookings.csv".ljust(257, b"\0") + b"ustar".ljust(255, b"\0")
KINDS = {
    "zip": (packed_zip(), "a ZIP archive or a damaged workbook"),
    "bzip2": (bz2.compress(BOOKINGS.encode()), "an archive of another kind than gzip"),
    "xz": (lzma.compress(BOOKINGS.encode()), "an archive of another kind than gzip"),
    "encrypted": (b"PARE" + bytes(64) + b"PARE", "an encrypted Parquet file"),
    "sqlite": (b"SQLite format 3\0" + bytes(64), "a database"),
    "xml": (b"<?xml version='1.0'?>\n<Workbook/>\n", "an XML document"),
    "json": (b'[\n  {"booking_id": "Zeb Q"}]', "JSON"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 9\n", "a pointer that Git LFS"),
    "twice": (gzip.compress(gzip.compress(BOOKINGS.encode())), "a file that was compressed twice"),
    "tar": (gzip.compress(TAR), "a tar archive"),
    "zip within gzip": (gzip.compress(packed_zip()), "a ZIP archive or a damaged workbook"),
    "parquet within gzip": (gzip.compress(b"PAR1" + bytes(64)), "a Parquet file that was compressed"),
}


@pytest.mark.parametrize("name", KINDS)
def test_what_is_another_kind_of_thing_is_called_by_its_name(clinic: Clinic, name: str) -> None:
    content, kind = KINDS[name]
    clinic.write_bytes("bookings.csv", content)
    message = refused(clinic)
    assert f"bookings.csv is {kind}" in message
    assert "which is not read; " in message


def test_zeros_behind_compressed_bytes_are_no_fault(clinic: Clinic) -> None:
    """As tapes and blocks leave them."""
    (clinic.delivery / "bookings.csv").unlink()
    clinic.write_bytes("bookings.csv.gz", gzip.compress(f"{BOOKINGS}\n{ROW.format('B7')}\n".encode()) + bytes(512))
    clinic.publish()
    assert ids(clinic) == ["B7"]
    drafted = CliRunner().invoke(main, ["mapping", "draft", str(clinic.delivery)])
    assert drafted.exit_code == 0, drafted.output


@pytest.mark.parametrize("name", ["garbage", "nothing"])
def test_a_damaged_parquet_file_is_named_without_its_values(clinic: Clinic, name: str) -> None:
    made = clinic.delivery.parent / "made.parquet"
    rows = "select 'Quixworth' id, 'P1' patient, 'chicago' site, '2026-01-05 09:00' as start"
    duckdb.sql(f"copy ({rows}) to '{made}' (compression uncompressed)")
    content = made.read_bytes()
    at = content.index(b"Quixworth")
    damaged = content.replace(b"Quixworth", b"Quixwor\xff\xfe") if name == "garbage" else content[: at - 9] + bytes(9)
    clinic.write_bytes("visits.parquet", damaged + (content[len(damaged) :] if name == "nothing" else b""))
    mapping = clinic.delivery.parent / "m.toml"
    mapping.write_text(f'[bookings]\nfile = "visits.parquet"\n{VISIT_COLUMNS}', encoding="utf-8")
    message = refused(clinic, mapping=mapping)
    assert "visits.parquet cannot be read" in message
    assert "deliver it again" in message
    drafted = CliRunner().invoke(main, ["mapping", "draft", str(clinic.delivery)])
    assert isinstance(drafted.exception, SystemExit)
    for text in (message, drafted.output):
        assert "Quixwor" not in text


def test_a_deep_json_file_is_refused(clinic: Clinic) -> None:
    clinic.write("delivery.json", "[" * 200_000)
    assert "delivery.json is not a JSON object" in refused(clinic)


def test_times_of_parquet_to_the_nanosecond(clinic: Clinic) -> None:
    """As pandas writes times with a zone."""
    path = clinic.delivery / "visits.parquet"
    start = pa.array([dt.datetime(2026, 1, 5, 15, 0)], pa.timestamp("ns", tz="UTC"))
    pq.write_table(pa.table({"id": ["V1"], "patient": ["P1"], "site": ["chicago"], "start": start}), path)
    mapping = clinic.delivery.parent / "m.toml"
    mapping.write_text(f'[bookings]\nfile = "visits.parquet"\n{VISIT_COLUMNS}', encoding="utf-8")
    clinic.publish(mapping=mapping)
    assert clinic.ask("select booking_id, starts_at from bookings") == [("V1", dt.datetime(2026, 1, 5, 9, 0))]


def test_a_parquet_file_with_types_needs_a_mapping(clinic: Clinic) -> None:
    columns = ", ".join(f"'x' as {name}" for name in BOOKINGS.split(",") if name != "starts_at")
    made = duckdb.sql(f"select {columns}, timestamp '2026-01-05 09:00' as starts_at")
    made.write_parquet(str(clinic.delivery / "bookings.csv"))
    message = refused(clinic)
    assert "bookings.csv is Parquet, and its column starts_at is no text; write a mapping: " in message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may enter any folder")
@pytest.mark.parametrize("mode", [0o000, 0o300, 0o600])
def test_a_folder_that_may_not_be_entered(clinic: Clinic, mode: int) -> None:
    clinic.delivery.chmod(mode)
    try:
        for command in (["import", "--data", str(clinic.data)], ["mapping", "draft"]):
            done = CliRunner().invoke(main, [*command, str(clinic.delivery)])
            assert isinstance(done.exception, SystemExit)
            assert "read" in done.output
    finally:
        clinic.delivery.chmod(0o700)
