"""Exports in forms that charts and booking systems have, drafted and imported: what came in is what was written.

Settled is only what a draft asks of every such file: that nothing tells patients apart.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from intake_clinic import Clinic

from dashboard.intake.drafting.draft import draft_mapping
from dashboard.intake.reference import load_reference

SITES = {"Chicago": "chicago", "Dallas": "dallas", "Miami Beach": "miami_beach"}
#: What somebody may write into a note, and what has broken other programs.
NOTES = (
    "", "NULL", "None", "NaN", "undefined", "true", "0", "-1", "1/0", "$1.00", "1,000.00", "1E+02", "0x0", "=cmd|' /C'!A0",
    "'; drop table bookings; --", '"', '""', "'", "\\", "\\N", "a;b|c\td", "two\nlines", "two\r\nlines", "%s %d", "{{7*7}}",
    "../../etc/passwd", "<script>alert(1)</script>", "\u202etest\u202c", "\ufeffmark", "Ω≈ç√∫", "田中さん", "👩🏽‍⚕️", "Z͑ͫaͨlgo", "\u200b",
    "5'11\" tall", "called, no answer", "2026-01-05 09:00", "Total", "No Show", " blank ",
)  # fmt: skip
SECRET = ("Quarkson", "Zyzzyva", "Vexpool", "Jibwhack")


@dataclass(frozen=True)
class Visit:
    number: int
    patient: int
    starts_at: dt.datetime
    status: str
    site: str
    cents: int
    note: str

    @property
    def name(self) -> str:
        return f"Ann{'abcdefghij'[self.patient]} {SECRET[self.patient % len(SECRET)]}"


Columns = dict[str, Callable[[Visit], object]]


def clock(moment: dt.datetime) -> str:
    return moment.strftime("%I:%M %p").lstrip("0")


PATIENTS: dict[str, Columns] = {
    "id": {"Patient ID": lambda v: f"{v.patient:05}"},
    "mail": {"Client Email": lambda v: f"{v.name.replace(' ', '.').lower()}@example.org"},
    "name": {"Client Name": lambda v: v.name},
    "unknown": {},
}
MOMENTS: dict[str, Columns] = {
    "iso": {"Start": lambda v: v.starts_at.strftime("%Y-%m-%dT%H:%M:%S")},
    "apart": {"Appt Date": lambda v: v.starts_at.strftime("%m/%d/%Y"), "Appt Time": lambda v: clock(v.starts_at)},
    "parts": {part.capitalize(): lambda v, part=part: getattr(v.starts_at, part) for part in ("year", "month", "day", "hour", "minute")},
    "spoken": {"Start Time": lambda v: v.starts_at.strftime(f"%B {v.starts_at.day}, %Y {clock(v.starts_at).lower()}")},
}  # fmt: skip
STATUS: dict[str, Columns] = {
    "words": {"Status": lambda v: {"completed": "Completed", "no_show": "No Show", "cancelled": "Cancelled"}[v.status]},
    "short": {"Visit Status": lambda v: {"completed": "Checked Out", "no_show": "N/S", "cancelled": "CANC"}[v.status]},
    "two": {"No-show": lambda v: "Yes" if v.status == "no_show" else "No", "Canceled": lambda v: "Yes" if v.status == "cancelled" else "No"},
}  # fmt: skip
MONEY: dict[str, Columns] = {
    "plain": {"Fee": lambda v: f"{v.cents / 100:.2f}"},
    "dollars": {"Fee": lambda v: f"${v.cents / 100:,.2f}"},
    "none": {},
}
ENDS = ("\n", "\r\n")


def visits(draw: st.DrawFn, number: int) -> list[Visit]:
    rows = []
    for place in range(number):
        # A day past the twelfth tells which number is the month.
        start = dt.datetime(2026, 1 + place % 2, 13 + place % 15, 8) + dt.timedelta(
            minutes=20 * draw(st.integers(0, 25))
        )
        status = ("completed", "no_show", "cancelled")[place % 3]
        note, cents = draw(st.sampled_from(NOTES)), draw(st.integers(100, 200_000))
        site = list(SITES)[place % len(SITES)]
        rows.append(Visit(place, place % 7, start, status, site, cents, note))
    return rows


@st.composite
def exports(draw: st.DrawFn) -> tuple[list[Visit], str, bytes, int]:
    """Visits, how they tell patients, the file, and how many broken lines it has."""
    rows = visits(draw, draw(st.integers(18, 30)))
    patients = draw(st.sampled_from(sorted(PATIENTS)))
    columns: Columns = {"Appointment ID": lambda v: f"{v.number:06}"}
    columns |= PATIENTS[patients] | {"Clinic": lambda v: v.site, "Notes": lambda v: v.note}
    for choices in (MOMENTS, STATUS, MONEY):
        columns |= choices[draw(st.sampled_from(sorted(choices)))]
    names = draw(st.permutations(list(columns)))
    delimiter = draw(st.sampled_from([",", ";", "\t", "|"]))
    end = draw(st.sampled_from(ENDS))
    text = io.StringIO(newline="")
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow(names)
    broken = draw(st.sets(st.integers(0, len(rows) - 1), max_size=3))
    for place, row in enumerate(rows):
        if place in broken:
            text.write(f"cut off{delimiter}here{end}")
        writer.writerow([columns[name](row) for name in names])
    encoded = text.getvalue().encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])))
    return rows, patients, encoded, len(broken)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=exports())
def test_what_was_written_comes_in(
    tmp_path_factory: pytest.TempPathFactory, made: tuple[list[Visit], str, bytes, int]
) -> None:
    rows, patients, content, broken = made
    folder = tmp_path_factory.mktemp("drafted")
    clinic, mapping = Clinic(folder), folder / "draft.toml"
    for path in clinic.delivery.iterdir():
        path.unlink()
    (clinic.delivery / "export.csv").write_bytes(content)
    draft = draft_mapping(clinic.delivery, load_reference())
    assert not [word for word in SECRET if word.lower() in draft.lower()]
    mapping.write_text(draft.replace("# patient_id = { unknown", "patient_id = { unknown"), encoding="utf-8")
    report = clinic.publish(mapping=mapping)
    [file] = report.files
    assert file.rows_read == file.rows_accepted + file.rows_rejected + file.rows_left_out == len(rows) + broken
    assert (file.rows_rejected, file.rows_left_out) == (broken, 0)
    priced = "price = " in draft
    found = clinic.ask("select starts_at, status::varchar, site::varchar, price_cents from bookings order by all")
    wanted = [(v.starts_at, v.status, SITES[v.site], v.cents if priced else None) for v in rows]
    assert found == sorted(wanted, key=str)
    people = len({v.patient for v in rows}) if patients != "unknown" else len(rows)
    assert clinic.one("select count(distinct patient) from bookings") == people
    if patients in {"id", "unknown"}:
        ids = {f"{v.number:06}" for v in rows}
        assert {name for (name,) in clinic.ask("select booking_id from bookings")} == ids
    kept = report.path.read_bytes()
    assert not [word for word in SECRET if word.encode() in kept or word.lower().encode() in kept]
