"""Parts of a table that are read together: what each gives is what it gives alone."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import duckdb
import pytest
from intake_clinic import BOOKINGS, Clinic

from dashboard.intake import build
from dashboard.intake.contract import DeliveryError

ROW = "{},P1,chicago,ketamine-infusion,2026-01-05 09:00,completed"
#: Parts as they come: plain, with other line ends, a mark at the beginning, without rows, with broken and faulty
#: lines, with quotes, with a last line that isn't ended, and with other columns.
PARTS = {
    "a": f"{BOOKINGS}\n{ROW.format('A1')}\n{ROW.format('A2')}\n",
    "b": f"{BOOKINGS}\r\n{ROW.format('B1')}\r\n{ROW.format('B2')}\r\n",
    "c": f"\ufeff{BOOKINGS}\n{ROW.format('C1')}\n",
    "d": f"{BOOKINGS}\n",
    "e": f"{BOOKINGS}\n{ROW.format('E1')}\nE2,P1,chicago\n{ROW.format('E3')},more\n{ROW.format('E4')}\n",
    "f": f"{BOOKINGS}\n{ROW.format('A1')}\nF2,P1,nowhere,ketamine-infusion,soon,went\n{ROW.format('F3')}\n",
    "g": f'{BOOKINGS}\n"G1",P1,chicago,ketamine-infusion,2026-01-05 09:00,completed\n{ROW.format("G2")}\n',
    "h": f"{BOOKINGS}\n{ROW.format('H1')}\n\n{ROW.format('H2')}",
    "i": f"status,{BOOKINGS.removesuffix(',status')}\ncompleted,{ROW.format('I1').removesuffix(',completed')}\n",
    "j": f"{BOOKINGS}\n{ROW.format('J1')}\n",
    "k [1]*": f"{BOOKINGS}\n{ROW.format('K1')}\n",
}
TABLES = (
    "select booking_id, starts_at, status from bookings order by booking_id",
    "select * from rejects order by all",
    "select file, rows_read, rows_accepted, rows_rejected, bytes, sha256 from sources order by all",
)


def fill(clinic: Clinic) -> Clinic:
    (clinic.delivery / "bookings.csv").unlink()
    for name, text in PARTS.items():
        clinic.write_bytes(f"bookings-{name}.csv", text.encode())
    return clinic


def test_together_is_as_alone(make_clinic: Callable[[], Clinic], monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for files in (500, 3, 1):
        monkeypatch.setattr(build, "_FILES", files)
        clinic = fill(make_clinic())
        clinic.publish()
        found.append([clinic.ask(sql) for sql in TABLES])
    assert found[0] == found[1] == found[2]
    bookings, rejects, sources = found[0]
    assert [row[0] for row in bookings] == [
        "A1",
        "A2",
        "B1",
        "B2",
        "C1",
        "E1",
        "E4",
        "F3",
        "G1",
        "G2",
        "H1",
        "H2",
        "I1",
        "J1",
        "K1",
    ]
    lines = {(row[1], row[2]) for row in rejects}
    assert lines == {(f"bookings-{name}.csv", line) for name, line in (("e", 3), ("e", 4), ("f", 2), ("f", 3))}
    assert {row[0]: row[1:4] for row in sources}["bookings-e.csv"] == (4, 2, 2)


@pytest.mark.parametrize("form", ["gzip", "mapped", "mapped gzip", "joined"])
def test_compressed_and_mapped_parts_likewise(
    make_clinic: Callable[[], Clinic], monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    site = '{ join = { file = "places.txt", key = "site", other_key = "code" }, column = "place" }'
    columns = {name: f'"{name}"' for name in BOOKINGS.split(",")} | ({"site": site} if form == "joined" else {})
    mapping = "\n".join([
        "[bookings]", 'file = "bookings-*"', "[bookings.columns]",
        *(f"{name} = {source}" for name, source in columns.items()),
        'channel = { column = "status", pattern = "^(c.*)$" }',
    ])  # fmt: skip
    found = []
    for files in (500, 3, 1):
        monkeypatch.setattr(build, "_FILES", files)
        clinic = fill(make_clinic())
        (clinic.delivery / "places.txt").write_text("code,place\nchicago,Dallas\n")
        if "gzip" in form:
            for path in clinic.delivery.glob("bookings-*"):
                path.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
                path.rename(f"{path}.gz")
        (clinic.delivery.parent / "m.toml").write_text(mapping)
        clinic.publish(**({} if form == "gzip" else {"mapping": clinic.delivery.parent / "m.toml"}))
        found.append([clinic.ask(sql) for sql in TABLES])
    assert found[0] == found[1] == found[2]
    bookings, rejects, sources = found[0]
    ids = ["A1", "A2", "B1", "B2", "C1", "E1", "E4", "F3", "G1", "G2", "H1", "H2", "I1", "J1", "K1"]
    assert [row[0] for row in bookings] == ids
    end = ".csv.gz" if "gzip" in form else ".csv"
    assert {(row[1].removesuffix(end), row[2]) for row in rejects} == {
        (f"bookings-{name}", line) for name, line in (("e", 3), ("e", 4), ("f", 2), ("f", 3))
    }
    assert {row[0]: row[1:4] for row in sources}[f"bookings-e{end}"] == (4, 2, 2)


def test_a_hundred_compressed_or_mapped_parts_take_one_statement(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    (clinic.delivery / "bookings.csv").unlink()
    for number in range(100):
        text = f"{BOOKINGS}\n{ROW.format(f'X{number}')}\n"
        clinic.write_bytes(f"bookings-{number:03}.csv.gz", gzip.compress(text.encode()))
    assert statements_read(clinic, monkeypatch) == 1
    assert clinic.one("select count(*) from bookings") == 100


def test_large_compressed_parts_are_read_alone(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    (clinic.delivery / "bookings.csv").unlink()
    for number in range(3):
        clinic.write_bytes(
            f"bookings-{number}.csv.gz", gzip.compress(f"{BOOKINGS}\n{ROW.format(f'X{number}')}\n".encode())
        )
    monkeypatch.setattr(build, "_SMALL", 0)
    assert statements_read(clinic, monkeypatch) == 3


@pytest.mark.parametrize(
    ("more", "statements"),
    [
        ("", 1),
        # What is counted by file, or has its name.
        ('sex = { column = "status", unusable = "empty" }', 5),
        ('sex = { file_name = true, values = {}, default = "x" }', 5),
    ],
)
def test_of_mapped_parts_those_of_rows_alone(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch, more: str, statements: int
) -> None:
    (clinic.delivery / "bookings.csv").unlink()
    for number in range(5):
        clinic.write(f"bookings-{number}.csv", BOOKINGS, ROW.format(f"X{number}"))
    columns = [f'{name} = "{name}"' for name in BOOKINGS.split(",")]
    mapping = clinic.delivery.parent / "m.toml"
    mapping.write_text("\n".join(["[bookings]", 'file = "bookings-*"', "[bookings.columns]", *columns, more]))
    publish = clinic.publish
    monkeypatch.setattr(clinic, "publish", lambda: publish(mapping=mapping))
    assert statements_read(clinic, monkeypatch) == statements
    assert clinic.one("select count(*) from bookings") == 5


def test_of_compressed_parts_zeros_behind_the_end_are_still_passed_over(clinic: Clinic) -> None:
    """As tapes have them; DuckDB refuses such a file, so that each is read alone then."""
    (clinic.delivery / "bookings.csv").unlink()
    for number in range(3):
        text = f"{BOOKINGS}\n{ROW.format(f'X{number}')}\n"
        clinic.write_bytes(f"bookings-{number}.csv.gz", gzip.compress(text.encode()) + b"\0" * 512 * (number == 1))
    clinic.publish()
    assert clinic.ask("select booking_id from bookings order by 1") == [("X0",), ("X1",), ("X2",)]


def statements_read(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> int:
    ran, run = [], build.run

    def counted(connection, name, values=None):
        ran.append(name)
        run(connection, name, values)

    monkeypatch.setattr(build, "run", counted)
    clinic.publish()
    return ran.count("read_bookings")


def test_a_hundred_parts_take_one_statement(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(100):
        clinic.write(f"bookings-{number:03}.csv", BOOKINGS, ROW.format(f"X{number}"))
    assert statements_read(clinic, monkeypatch) == 1
    assert clinic.one("select count(*) from bookings") == 101
    assert clinic.one("select count(*) from sources where source = 'bookings' and rows_accepted = 1") == 101


def test_where_they_cannot_be_read_together_each_is_read_alone(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    view_of = build.view_of

    def failing(surveyed, path, mapped=None, beside=()):
        if beside:
            raise duckdb.IOException("cannot")
        return view_of(surveyed, path, mapped, beside)

    monkeypatch.setattr(build, "view_of", failing)
    clinic.write("bookings-2.csv", BOOKINGS, ROW.format("X1"), ROW.format("X2"))
    assert statements_read(clinic, monkeypatch) == 2
    assert clinic.ask("select booking_id from bookings order by 1") == [("B1",), ("X1",), ("X2",)]


@pytest.mark.parametrize("order", ["desc", "asc limit 2"])
def test_each_must_arrive_whole_and_in_its_place(clinic: Clinic, monkeypatch: pytest.MonkeyPatch, order: str) -> None:
    view_of = build.view_of

    def other(surveyed, path, mapped=None, beside=()):
        made = view_of(surveyed, path, mapped, beside)
        head, select = made.split(" as select", 1)
        return f"{head} as select * from (select{select}) order by part {order}" if beside else made

    monkeypatch.setattr(build, "view_of", other)
    clinic.write("bookings-2.csv", BOOKINGS, ROW.format("X1"), ROW.format("X2"))
    with pytest.raises(DeliveryError, match="sound records were counted"):
        clinic.publish()


def test_a_part_whose_header_comes_again_in_another_order_is_named(clinic: Clinic) -> None:
    for name in "123":
        clinic.write(f"bookings-{name}.csv", BOOKINGS, ROW.format(f"X{name}"))
    moved = ",".join(reversed(BOOKINGS.split(",")))
    # Its id is the name of a column, as in several exports one behind another.
    clinic.write("bookings-2.csv", BOOKINGS, ROW.format("X2"), moved, ROW.format("X4"))
    with pytest.raises(DeliveryError, match=r"bookings-2.csv names its columns again in line 3"):
        clinic.publish()


def test_a_part_that_changes_meanwhile_is_named(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    clinic.write("bookings-2.csv", BOOKINGS, ROW.format("X1"))
    view_of = build.view_of

    def changing(surveyed, path, mapped=None, beside=()):
        for one in beside:
            one.write_text(one.read_text() + "\n")
        return view_of(surveyed, path, mapped, beside)

    monkeypatch.setattr(build, "view_of", changing)
    with pytest.raises(DeliveryError, match=r"/bookings.csv was changed while it was read"):
        clinic.publish()
