"""Chairs over a local day: slots, what is taken, what is free, and the nights on which clocks change."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_extracts import reading

from dashboard import panels
from dashboard.chairs import SLOT, Day, Span, Stretch, in_use
from dashboard.exports import csv_parts, scope_of
from dashboard.filters import parse
from dashboard.settings import REFERENCE

ZONES = {"chicago": "America/Chicago", "dallas": "America/Chicago", "miami_beach": "America/New_York"}
SPRING, AUTUMN = dt.date(2026, 3, 8), dt.date(2026, 11, 1)
HOUR = 60.0


def day(date=dt.date(2026, 10, 27), chairs=3, opens=dt.time(8), closes=dt.time(12), zone="America/Chicago"):
    return Day(date, ZoneInfo(zone), opens, closes, chairs)


def test_slots_span_the_opening_hours_and_visits_beyond_them():
    plain = day()
    assert plain.slots([])[[0, -1]].tolist() == [8 * HOUR, 11.5 * HOUR]
    assert plain.slots([Span(7.75 * HOUR, 13.25 * HOUR)])[[0, -1]].tolist() == [7.5 * HOUR, 13 * HOUR]
    closed = day(opens=None, closes=None)
    assert closed.slots([]).size == 0
    assert closed.slots([Span(9 * HOUR, 10 * HOUR)]).tolist() == [9 * HOUR, 9.5 * HOUR]


def test_chairs_taken_are_the_average_over_the_slot():
    slots = day().slots([])
    used = in_use([Span(8 * HOUR, 9 * HOUR), Span(8.25 * HOUR, 8.75 * HOUR), Span(8 * HOUR, 8 * HOUR + 10)], slots)
    assert used[:3].tolist() == pytest.approx([1 + 0.5 + 10 / 30, 1.5, 0])


def test_free_stretches_by_hand():
    """Two chairs from 8 to 12; one taken 9 to 10, both 10:30 to 11."""
    two = day(chairs=2)
    taken = [Span(9 * HOUR, 10 * HOUR), Span(10.5 * HOUR, 11 * HOUR), Span(10.5 * HOUR, 11 * HOUR)]
    assert two.free(taken, 30) == [
        Stretch(8 * HOUR, 9 * HOUR, 1), Stretch(8 * HOUR, 10.5 * HOUR, 1), Stretch(10 * HOUR, 10.5 * HOUR, 1),
        Stretch(11 * HOUR, 12 * HOUR, 2),
    ]  # fmt: skip
    assert two.free(taken, 31)[-2:] == [Stretch(8 * HOUR, 10.5 * HOUR, 1), Stretch(11 * HOUR, 12 * HOUR, 2)]
    assert two.free([Span(7 * HOUR, 13 * HOUR)] * 2, 30) == []
    assert two.free([Span(7 * HOUR, 13 * HOUR)] * 3, 30) == []  # more visits than chairs
    assert two.free([], 30) == [Stretch(8 * HOUR, 12 * HOUR, 2)]
    assert day(opens=None, closes=None).free([], 30) == []


@given(st.lists(st.tuples(st.integers(7 * 60, 12 * 60), st.integers(1, 180)), max_size=12), st.integers(1, 4))
def test_every_visit_that_is_said_to_fit_does(visits, chairs):
    """Filled into the stretches at once, visits never outnumber the chairs at any minute."""
    site = day(chairs=chairs)
    taken = [Span(start, start + length) for start, length in visits]
    minutes = np.arange(8 * 60, 12 * 60)
    before = sum(((minutes >= span.start) & (minutes < span.end)).astype(int) for span in taken)
    added = np.zeros(len(minutes), dtype=int)
    for found in site.free(taken, 45):
        for start in np.arange(found.start, found.end - 44, 45):
            added += found.chairs * ((minutes >= start) & (minutes < start + 45))
    full = before + added
    assert (full[added > 0] <= chairs).all()


@pytest.mark.parametrize("zone", sorted(set(ZONES.values())))
@pytest.mark.parametrize(("date", "length"), [(SPRING, 23), (AUTUMN, 25), (dt.date(2026, 10, 27), 24)])
def test_a_day_is_as_long_as_it_is(zone, date, length):
    whole = day(date, opens=dt.time(0), closes=dt.time(23, 59), zone=zone)
    slots = whole.slots([])
    assert len(slots) == 2 * length
    labels = [whole.label(slot) for slot in slots]
    assert len(set(labels)) == len(labels)
    assert ("2:00 am" in labels) == (date != SPRING)
    twice = [label for label in labels if label.startswith("1:30 am")]
    names = {"America/Chicago": ["CDT", "CST"], "America/New_York": ["EDT", "EST"]}[zone]
    assert twice == ([f"1:30 am {name}" for name in names] if date == AUTUMN else ["1:30 am"])
    # Opening hours by the clock stay where they are.
    assert whole.label(day(date, zone=zone).hours.start) == "8:00 am"


@pytest.mark.parametrize(("date", "ends"), [(SPRING, "3:30 am"), (AUTUMN, "1:30 am CST")])
def test_a_visit_over_the_change_takes_as_long_as_it_does(date, ends):
    whole = day(date, opens=dt.time(0), closes=dt.time(23, 59))
    start = whole.minute(dt.datetime.combine(date, dt.time(1, 30)))
    taken = [Span(start, start + 60)]
    assert in_use(taken, whole.slots(taken)).sum() * SLOT == 60
    assert whole.label(start + 60) == ends


# --- through the extract ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def nights(tmp_path_factory):
    """Visits around both changes of the clocks at every site, one of them over the change itself."""
    folder = tmp_path_factory.mktemp("nights")
    lines = ["booking_id,patient_id,site,service,starts_at,status,age,chair_minutes,channel"]
    for site in ZONES:
        for date in (SPRING, AUTUMN):
            evening = date - dt.timedelta(days=1)
            for i, (start, minutes, channel) in enumerate(
                [(f"{evening} 23:30", 60, "web"), (f"{date} 01:30", 60, "web"), (f"{date} 10:00", 90, "walk-in"),
                 (f"{date} 10:30", 30, "phone")]
            ):  # fmt: skip
                lines.append(f"B-{site}-{date}-{i},P{i},{site},vitamin-c,{start},completed,40,{minutes},{channel}")
            lines.append(f"B-{site}-{date}-x,P9,{site},vitamin-c,{date} 12:00,cancelled,40,60,web")
            lines.append(f"B-{site}-{date}-n,P8,{site},vitamin-c,{date} 14:00,no_show,40,30,web")
    with reading(folder, bookings="\n".join(lines) + "\n") as reader:
        yield reader


@pytest.mark.parametrize("site", ZONES)
@pytest.mark.parametrize("date", [SPRING, AUTUMN])
def test_the_change_over_nights_at_each_site(nights, site, date):
    chosen = parse({"day": [str(date)], "site": [site.replace("_", "-")]}, scope_of(nights))
    rows = panels.rows(nights, "day_by_hour", chosen)
    minutes = rows.groupby("kind")["value"].sum() * SLOT
    # Of the evening before only its half-hour past midnight.
    assert minutes.to_dict() == {"Booked ahead": 30 + 60 + 30, "Walked in": 90, "No-show, chair kept": 30}
    night = rows[(rows["value"] > 0) & (rows["position"] < 240)]["start"].tolist()
    assert night[0] == "12:00 am"
    assert night[1:] == (
        ["1:30 am", "3:00 am"] if date == SPRING
        else ["1:30 am CDT", "1:00 am CST"] if site != "miami_beach" else ["1:30 am EDT", "1:00 am EST"]
    )  # fmt: skip
    day_rows = rows[rows["value"] > 0]
    assert {"10:00 am", "10:30 am", "11:00 am", "2:00 pm"} < set(day_rows["start"])
    assert "12:00 pm" not in set(day_rows["start"])


def test_gaps_are_those_of_the_sites_own_hours(nights):
    """Sundays: Miami Beach is open 9 to 7 with seven chairs, the others are closed."""
    rows = panels.rows(nights, "day_gaps", parse({"day": [str(AUTUMN)]}, scope_of(nights)))
    assert set(rows["site"]) == {"Miami Beach"}
    assert rows[["start", "end", "chairs", "fits"]].to_numpy().tolist() == [
        ["9:00 am", "10:00 am", 1, 2], ["9:00 am", "10:30 am", 1, 3], ["9:00 am", "7:00 pm", 5, 100],
        ["11:00 am", "7:00 pm", 1, 16], ["11:30 am", "2:00 pm", 1, 5], ["2:30 pm", "7:00 pm", 1, 9],
    ]  # fmt: skip


def test_a_site_that_has_closed_and_a_holiday_have_no_gaps_to_fill(tmp_path):
    """Dallas closed on 5 October, all sites on the 7th; who comes nevertheless is shown."""
    own = tmp_path / "reference"
    own.mkdir()
    head, *rows = (REFERENCE / "sites.csv").read_text(encoding="utf-8").splitlines()
    [dallas] = [row.replace("Chicago,6,", "Chicago,0,") for row in rows if row.startswith("dallas")]
    lines = [f"{head},from", *(f"{row}," for row in rows), f"{dallas},2026-10-05"]
    (own / "sites.csv").write_text("\n".join(lines), encoding="utf-8")
    (own / "closures.csv").write_text("site,date\n,2026-10-07\n", encoding="utf-8")
    bookings = ["booking_id,patient_id,site,service,starts_at,status,age"]
    for site in ("chicago", "dallas"):
        for day in range(1, 10):
            status = "completed" if day < 8 else "booked"
            bookings.append(f"{site}{day},P{day},{site},vitamin-c,2026-10-{day:02} 10:00,{status},40")
    with reading(tmp_path, reference=own, bookings="\n".join(bookings) + "\n") as reader:

        def shown(name, day, site):
            chosen = parse({"day": [f"2026-10-{day:02}"], "site": [site]}, scope_of(reader))
            rows = panels.rows(reader, name, chosen)
            return len(rows), panels.PANELS[name].answer(rows)

        assert [shown("day_gaps", day, "dallas")[0] > 0 for day in (2, 5, 7)] == [True, False, False]
        assert [shown("day_gaps", day, "chicago")[0] > 0 for day in (2, 5, 7)] == [True, True, False]
        assert [shown("day_by_hour", day, "dallas")[1] for day in (2, 5)] == [
            "Fullest: Dallas at 10:00 am and 1 more half-hour, 1.0 of 6 chairs",
            "Fullest: Dallas at 10:00 am and 1 more half-hour, 1.0 taken though closed on this day",
        ]
        # A holiday leaves the chairs where they are, and nobody can be booked on them.
        assert shown("day_by_hour", 7, "chicago")[1] == (
            "Fullest: Chicago at 10:00 am and 1 more half-hour, 1.0 taken though closed on this day"
        )
        both = parse({"day": ["2026-10-05"]}, scope_of(reader))
        rows = panels.rows(reader, "day_by_hour", both)
        assert dict(zip(rows["site"], rows["chairs"].fillna(-1), strict=True)) == {"Chicago": 8, "Dallas": -1}
        file = b"".join(part.data for part in csv_parts(panels.PANELS["day_by_hour"].columns, iter([rows])))
        assert b"Dallas,10:00 am,Booked ahead,1.0,\r\n" in file
        assert shown("days_ahead", 7, "dallas") == (0, "The extract holds no open day after this one")
        assert shown("days_ahead", 7, "chicago")[0] == 2


def test_days_ahead_take_the_usual_no_shows_off(everything):
    chosen = parse({"site": ["dallas"]}, scope_of(everything))
    rows = panels.rows(everything, "days_ahead", chosen)
    assert len(rows) >= 12
    assert rows["period"].min().date() > chosen.day
    assert rows["no_shows"].between(1, 20).all()
    np.testing.assert_allclose(rows["value"], rows["scheduled"] * (1 - rows["no_shows"] / 100))
    np.testing.assert_allclose(rows["free_hours"] * 60, rows["denominator"] - rows["numerator"])
