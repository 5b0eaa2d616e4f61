"""A corpus of faulty files with what must become of each: which rows get in, which lines don't, and why."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from intake_clinic import BOOKINGS, Clinic

from dashboard.intake.contract import DeliveryError
from dashboard.intake.reading.record import LONGEST_RECORD

HEAD = BOOKINGS.encode()


def row(name: str, **values: str) -> bytes:
    """A sound booking with the values that are given instead."""
    sound = {
        "booking_id": name, "patient_id": "P1", "site": "chicago", "service": "vitamin-c",
        "starts_at": "2026-01-05 09:00", "status": "completed",
    }  # fmt: skip
    return ",".join((sound | values).values()).encode()


@dataclass(frozen=True)
class Faulty:
    """A file: its lines joined by `end`, what must be accepted, and for each rejected line a word of its reason."""

    lines: tuple[bytes, ...]
    accepted: int
    rejected: dict[int, str]
    end: bytes = b"\n"
    start: bytes = b""
    stop: bytes | None = None
    packed: bool = False

    @property
    def content(self) -> bytes:
        text = self.start + self.end.join(self.lines) + (self.end if self.stop is None else self.stop)
        return gzip.compress(text, mtime=0) if self.packed else text


CORPUS = {
    "sound": Faulty((HEAD, row("a1"), row("a2")), 2, {}),
    "no-line-end-at-the-end": Faulty((HEAD, row("b1"), row("b2")), 2, {}, stop=b""),
    "byte-order-mark": Faulty((HEAD, row("c1")), 1, {}, start=b"\xef\xbb\xbf"),
    "windows": Faulty((HEAD, row("d1"), b"", row("d2"), b"short"), 2, {5: "1 columns"}, end=b"\r\n"),
    "mixed-line-ends": Faulty((HEAD, row("e1") + b"\r", row("e2"), row("e3") + b"\r"), 3, {}),
    "blank-lines": Faulty((b"", HEAD, b"", b"", row("f1"), b""), 1, {}),
    "old-mac": Faulty((HEAD, row("om1"), b"", row("om2"), b"short"), 2, {5: "1 columns"}, end=b"\r"),
    "doubled-returns": Faulty(
        (HEAD + b",note", row("dr1") + b',"two\r\r\nlines"', b"short", row("dr2") + b","), 2, {4: "1 columns"}, end=b"\r\r\n"
    ),
    "its-delimiter-said": Faulty((b'"sep=,"', HEAD, row("ds1"), b"short", row("ds2")), 2, {4: "1 columns"}, end=b"\r\n"),
    "escaped-quotes": Faulty((HEAD + b",note", row("eq1") + b',"say \\"no\\", twice"', row("eq2") + b","), 1, {2: "escape"}),
    "old-mac-line-ends": Faulty((HEAD, row("g1") + b"\r" + row("g2")), 0, {2: "carriage return"}),
    "too-few": Faulty((HEAD, b"h1,P1,chicago", row("h2")), 1, {2: "3 columns"}),
    "too-many": Faulty((HEAD, row("i1") + b",x", row("i2")), 1, {2: "7 columns"}),
    "one-comma-too-many": Faulty((HEAD, row("j1") + b",", row("j2"), row("j3") + b","), 1, {2: "7", 4: "7"}),
    "empty-values-too-many": Faulty(
        (HEAD, row("em1"), row("em2") + b",,", row("em3") + b',,"",""'), 1, {3: "8", 4: "9"},
    ),
    "one-comma-too-many-throughout": Faulty((HEAD + b",", row("k1") + b",", row("k2") + b","), 2, {}),
    "unescaped-comma": Faulty((HEAD, row("l1", site="chicago, il"), row("l2")), 1, {2: "7 columns"}),
    "quoted-line-breaks": Faulty(
        (HEAD + b",note", row("m1") + b',"two\nlines"', row("m2", site="mars") + b',"and\r\nmore"', row("m3") + b","),
        2, {4: "is not a site"},
    ),
    "doubled-quotes": Faulty((HEAD + b",note", row("n1") + b',"say ""no"""'), 1, {}),
    "lost-quote": Faulty((HEAD + b",note", row("o1") + b',"lost', row("o2") + b","), 1, {2: "not closed"}),
    "stray-quote": Faulty((HEAD + b",note", row("p1") + b',5" drip', row("p2") + b',"x"y'), 1, {3: "closing quote"}),
    "lost-comma-before-a-quote": Faulty(
        (
            HEAD + b",indication,note", row("lc1") + b',F32"Jane Roe, called"', row("lc2") + b',F32"Jane ""J"" Roe, called" ',
            row("lc3") + b',6\'1",70"', row("lc4") + b',5" drip,6"', row("lc5") + b',a"b"c,d"',
        ),
        3, {2: "closes behind a delimiter", 3: "closes behind a delimiter"},
    ),
    "quoted-all": Faulty((HEAD, b",".join(b'"%b"' % value for value in row("q1").split(b","))), 1, {}),
    "nul": Faulty((HEAD, row("r1") + b"\0", row("r2")), 1, {2: "NUL"}),
    "latin-1": Faulty((HEAD, row("s1", status="no_sh\u00f6w").decode().encode("latin-1"), row("s2")), 1, {2: "UTF-8"}),
    "cut-character": Faulty((HEAD, row("t1"), row("t2") + b"\xe2\x82"), 1, {3: "UTF-8"}),
    "huge-field": Faulty((HEAD, row("u1", patient_id="x" * LONGEST_RECORD), row("u2")), 1, {2: "longer than"}),
    "huge-quoted-field": Faulty(
        (HEAD + b",note", row("v1") + b',"' + b"x" * (LONGEST_RECORD + 5) + b'"', row("v2") + b","), 1, {2: "longer"}
    ),
    "large-field": Faulty((HEAD + b",note", row("w1") + b',"' + b"y" * 200_000 + b'"'), 1, {}),
    "blanks": Faulty((HEAD, row(" x1 ", site=" chicago ", status=" Completed"), row("x2", site="\u00a0")), 1, {3: "is empty"}),
    "empty-values": Faulty((HEAD, row(""), row("y2", patient_id=""), b",,,,,"), 0, dict.fromkeys((2, 3, 4), "empty")),
    "leading-zeros": Faulty((HEAD, row("007"), row("7"), row("7.0"), row("1e3")), 4, {}),
    "repeated": Faulty((HEAD, row("z1"), row("z1"), row("z1", status="x"), row("z2")), 2, {3: "dupl", 4: "status"}),
    "repeated-header": Faulty((HEAD, row("A1"), HEAD, row("A2")), 2, {3: "site"}),
    "times": Faulty(
        (HEAD, *(row(f"B{n}", starts_at=text) for n, text in enumerate((
            "2026-02-29 09:00", "2024-02-29 09:00", "05/01/2026 09:00", "2026-01-05T09:00:00Z", "2026-01-05 24:00",
            "2026-01-05 9:00", "20000-1-01 09:00", "2100-12-31 23:59", "2101-01-01 00:00", "now",
        )))),
        4, dict.fromkeys((2, 4, 7, 8, 10, 11), "is not a time"),
    ),
    "formula": Faulty((HEAD, row("=1+1"), row("C2", site="=cmd()")), 1, {3: "is not a site"}),
    "sql": Faulty((HEAD, row("'; drop table bookings; --"), row("D2", status="completed' or '1'='1")), 1, {3: "status"}),
    "packed": Faulty((HEAD, row("E1"), b"short"), 1, {3: "1 columns"}, packed=True),
    "header-alone": Faulty((HEAD,), 0, {}),
}  # fmt: skip


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Clinic:
    """All of them as parts of one delivery."""
    clinic = Clinic(tmp_path_factory.mktemp("corpus"))
    (clinic.delivery / "bookings.csv").unlink()
    for name, faulty in CORPUS.items():
        clinic.write_bytes(f"bookings-{name}.csv{'.gz' if faulty.packed else ''}", faulty.content)
    clinic.publish()
    return clinic


@pytest.mark.parametrize("name", CORPUS)
def test_what_becomes_of_a_faulty_file(outcome: Clinic, name: str) -> None:
    faulty = CORPUS[name]
    file = f"bookings-{name}.csv{'.gz' if faulty.packed else ''}"
    [found] = [one for one in outcome.report.files if one.file == file]
    reasons: dict[int, str] = {}
    for line, reason in outcome.ask(f"select line, reason from rejects where file = '{file}' order by all"):
        reasons[line] = reasons.get(line, "") + reason
    assert sorted(reasons) == sorted(faulty.rejected)
    for line, word in faulty.rejected.items():
        assert word in reasons[line]
    assert (found.rows_accepted, found.rows_rejected) == (faulty.accepted, len(faulty.rejected))
    assert found.rows_read == found.rows_accepted + found.rows_rejected


def test_identifiers_stay_digit_for_digit(outcome: Clinic) -> None:
    ids = {name for (name,) in outcome.ask("select booking_id from bookings")}
    assert ids >= {"007", "7", "7.0", "1e3", "=1+1", "'; drop table bookings; --"}


REFUSED = {
    "empty": (b"", "no readable header"),
    "only-blank-lines": (b"\n\n\r\n", "no readable header"),
    "open-quote-in-the-header": (b'booking_id,"site\n\n', "no readable header"),
    "utf-16": ((HEAD + b"\n" + row("a")).decode().encode("utf-16"), "UTF-8"),
    "utf-32": (HEAD.decode().encode("utf-32"), "UTF-8"),
    "semicolons": (HEAD.replace(b",", b";"), "';'"),
    "tabs": (HEAD.replace(b",", b"\t"), "commas"),
    "tildes": (HEAD.replace(b",", b"~"), "separates its columns with '~'"),
    "other-columns": (b"AppointmentID,PatientId\n1,2\n", "lacks the required columns"),
    "doubled-column": (HEAD + b",STATUS\n", "status more than once"),
    "a-picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", ""),
    "a-workbook": (b"PK\x03\x04\x14\0\x06\0", "a ZIP archive or a damaged workbook"),
    "an-old-workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "no workbook that can be read"),
    "titles-before-the-header": (
        b"Bookings\nJanuary, 2026\n\n" + HEAD + b"\n" + row("a"),
        "columns in line 4, not in line 1",
    ),
    "its-delimiter-said": (b"sep=;\r\n" + HEAD.replace(b",", b";"), "';'"),
    "html": (b"<!doctype html><html><body>Session expired</body></html>\n", "a web page"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_table_at_all_is_refused(make_clinic: Callable[[], Clinic], name: str) -> None:
    content, words = REFUSED[name]
    clinic = make_clinic()
    clinic.write_bytes("bookings.csv", content)
    with pytest.raises(DeliveryError) as refusal:
        clinic.publish()
    assert "bookings.csv" in str(refusal.value)
    assert words in str(refusal.value)
    assert not list((clinic.data / "extracts").glob("*.duckdb"))
