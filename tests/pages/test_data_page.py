"""The Data page: what it says of the last imports, and of an extract that isn't the newest."""

from __future__ import annotations

import datetime as dt

import pytest
from elements import html

from dashboard.intake import attempts, pointer
from dashboard.screen import tables
from dashboard.shelf import shelf

MESSAGE = "bookings of miami_beach: 900 rows before, 12 now"


@pytest.fixture
def held(data):
    """A delivery that was held back, noted and taken off the record again."""
    file = data / "extracts" / attempts.FILE_NAME
    before = file.read_bytes()
    now = dt.datetime(2026, 11, 2, 9, tzinfo=dt.UTC)
    attempts.append(data / "extracts", attempts.Attempt(now, "monday", "", "held", MESSAGE))
    yield
    file.write_bytes(before)


def test_who_may_see_all_sites_is_told_why_an_import_was_held_back(visit, held):
    [warning] = visit("admin", "data").warning
    assert "monday" in warning.value
    assert MESSAGE.replace("_", r"\_") in warning.value


def test_the_name_of_a_delivery_makes_no_link(visit, data):
    """Whoever delivers names the folder."""
    file = data / "extracts" / attempts.FILE_NAME
    before = file.read_bytes()
    now = dt.datetime(2026, 11, 2, 9, tzinfo=dt.UTC)
    name = "[Sign in again](https:evil.example) ![](x) $a$ <b>"
    attempts.append(data / "extracts", attempts.Attempt(now, name, "", "refused", f"{name}: no bookings"))
    try:
        [warning] = visit("admin", "data").warning
        assert "\\[Sign in again\\]\\(https:\u2060evil.example\\) " r"\!\[\]\(x\) \$a\$ \<b\>" in warning.value
        assert "](" not in warning.value
    finally:
        file.write_bytes(before)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("see www.evil.example", "see www\u2060.evil.example"),
        ("WWW.evil.example", "WWW\u2060.evil.example"),
        ("https://evil.example", "https:\u2060//evil.example"),
        ("ask me@evil.example", "ask me\u2060@evil.example"),
        ("a :material/home: at 12:30", "a :\u2060material/home: at 12:30"),
    ],
)
def test_what_looks_like_an_address_is_no_link(name, shown):
    """Markdown makes links of bare addresses too, also of escaped ones."""
    assert tables.verbatim(name) == shown


def test_who_sees_one_site_is_not_told_of_others(visit, held):
    at = visit("manager.dallas", "data")
    [warning] = at.warning
    assert "far fewer rows" in warning.value
    assert "miami" not in warning.value


def test_who_sees_every_site_and_no_small_count_is_told_no_sums_of_rows(visit, data, held):
    """All rows less those of the tables that the page shows are those of side effects."""
    whole = attempts.read(data / "extracts")[0].message
    assert "rows accepted" in whole
    told = []
    for who in ("admin", "finance"):
        at = visit(who, "data")
        at.session_state["import_attempts"] = True
        told.append([str(frame.value.get("message")) for frame in at.run().dataframe if "message" in frame.value])
        if who == "finance":
            [warning] = at.warning
            assert "far fewer rows" in warning.value
            assert "900" not in warning.value
    [[admins], [finances]] = told
    assert whole in admins
    assert "put in use" in finances
    assert "accepted" not in finances


def test_every_page_says_that_newer_data_cannot_be_read(visit, data):
    file = data / "extracts" / pointer.FILE_NAME
    before = file.read_bytes()
    file.write_text("{")
    try:
        assert "The page Data says what to do" in visit("director", "bookings").warning[0].value
        assert "dashboard extracts list" in visit("director", "data").warning[0].value
    finally:
        file.write_bytes(before)
    assert not visit("director", "bookings").warning
    assert shelf().warning is None


def test_no_empty_table_stands_below_a_heading_that_says_there_is_nothing(visit):
    at = visit("manager.dallas", "data")
    assert "There was no extract to compare with" in html(at)
    assert all(len(frame.value) for frame in at.dataframe)


NOTE = "visits_2026.csv: 12 bookings have a patient whose id is a number in short form, like 2.98725E+13"


@pytest.fixture
def noted(data):
    """Notes of the import of the extract in use, of another one, and of a line of an older program."""
    file = data / "extracts" / attempts.FILE_NAME
    before = file.read_bytes()
    now, extracts = dt.datetime(2026, 11, 2, 9, tzinfo=dt.UTC), data / "extracts"
    name = shelf().current().catalogue.name
    attempts.append(extracts, attempts.Attempt(now, "monday", "", "published", "", name, notes=(NOTE,)))
    attempts.append(extracts, attempts.Attempt(now, "older", "", "published", "", "another", notes=("of another",)))
    with file.open("a") as lines:
        lines.write(
            '{"at": "2026-11-01T09:00:00", "delivery": "a", "fingerprint": "", "result": "held", "message": ""}\n'
        )
    yield
    file.write_bytes(before)


def told(at):
    return "\n".join(element.value for element in at.markdown)


def test_what_an_import_noted_is_told_to_who_may_know_of_all(visit, noted):
    at = visit("admin", "data")
    assert NOTE.replace("_", r"\_") in told(at)
    assert "of another" not in told(at)
    for who in ("manager.dallas", "finance"):
        assert "short form" not in told(visit(who, "data"))
