"""The address: what it parses to, what it falls back to, and that it survives the round trip."""

import datetime as dt
from dataclasses import replace
from urllib.parse import parse_qs

import pytest

from dashboard import filters
from dashboard.filters import Scope, parse, slug

SCOPE = Scope(
    dt.date(2024, 10, 1),
    dt.date(2026, 11, 27),
    dt.date(2026, 10, 30),
    ("chicago", "dallas", "miami_beach"),
    ("ketamine", "vitamin", "hydration"),
    ("Under 12", "12–17", "18–25", "85+", "Unknown"),
    ("serious", "nausea", "injection_site_pain"),
    ("bookings", "no_show_rate"),
)


def chosen(**parameters):
    return parse({name: value if isinstance(value, list) else [value] for name, value in parameters.items()}, SCOPE)


def test_nothing_asked_gives_the_last_28_full_days_of_every_site():
    found = parse({}, SCOPE)
    assert (found.start, found.end, found.days) == (dt.date(2026, 10, 3), dt.date(2026, 10, 30), 28)
    assert found.sites == SCOPE.sites
    assert found.query() == {"period": ["28-days"]}


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        ("7-days", "2026-10-24", "2026-10-30"),
        ("90-days", "2026-08-02", "2026-10-30"),
        ("12-months", "2025-10-31", "2026-10-30"),
        ("this-month", "2026-10-01", "2026-10-30"),
        ("last-month", "2026-09-01", "2026-09-30"),
        ("this-year", "2026-01-01", "2026-10-30"),
    ],
)
def test_presets_end_on_the_last_full_day(period, start, end):
    found = chosen(period=period)
    assert (found.start.isoformat(), found.end.isoformat()) == (start, end)


@pytest.mark.parametrize(
    ("address", "longer"),
    [
        ({"period": "7-days"}, "90-days"),
        ({"period": "28-days"}, "90-days"),
        ({"period": "last-month"}, "90-days"),
        ({"period": "90-days"}, "12-months"),
        ({"period": "this-year"}, "12-months"),
        ({"period": "12-months"}, None),
        ({"period": "custom", "from": "2026-09-20", "to": "2026-10-01"}, "90-days"),
        ({"period": "custom", "from": "2026-03-01", "to": "2026-03-05"}, "12-months"),
        # Neither what lies further back nor days that aren't full yet are in any of them.
        ({"period": "custom", "from": "2025-03-01", "to": "2025-03-05"}, None),
        ({"period": "custom", "from": "2026-10-20", "to": "2026-11-20"}, None),
    ],
)
def test_a_longer_period_has_all_days_of_the_shorter_one(address, longer):
    assert chosen(**address).longer() == longer


@pytest.mark.parametrize(
    ("period", "compare", "start", "end"),
    [
        ("28-days", "previous", "2026-09-05", "2026-10-02"),
        ("this-month", "previous", "2026-09-01", "2026-09-30"),
        ("last-month", "previous", "2026-08-01", "2026-08-31"),
        ("this-year", "previous", "2025-01-01", "2025-10-30"),
        ("28-days", "last-year", "2025-10-03", "2025-10-30"),
    ],
)
def test_compared_period(period, compare, start, end):
    found = chosen(period=period, compare=compare).compared()
    assert (found.start.isoformat(), found.end.isoformat()) == (start, end)
    assert found.compared() is None


@pytest.mark.parametrize(
    ("start", "end", "before"),
    [
        ("2026-09-01", "2026-09-30", ("2026-08-01", "2026-08-31")),
        ("2026-07-01", "2026-09-30", ("2026-04-01", "2026-06-30")),
        ("2026-02-01", "2026-02-28", ("2026-01-01", "2026-01-31")),
        # No whole months: as many days.
        ("2026-09-01", "2026-09-29", ("2026-08-03", "2026-08-31")),
        ("2026-09-02", "2026-10-01", ("2026-08-03", "2026-09-01")),
    ],
)
def test_whole_months_are_held_against_whole_months(start, end, before):
    found = chosen(**{"period": "custom", "from": start, "to": end}).compared()
    assert (found.start.isoformat(), found.end.isoformat()) == before


@pytest.mark.parametrize(
    ("start", "end", "by", "told"),
    [
        ("2026-08-02", "2026-10-30", "week", "The first week has 1 of 7 days; the last week has 5 of 7 days."),
        ("2026-08-03", "2026-10-30", "week", "The last week has 5 of 7 days."),
        ("2026-08-03", "2026-10-25", "week", ""),
        ("2026-08-02", "2026-10-30", "month", "The first month has 30 of 31 days; the last month has 30 of 31 days."),
        ("2026-08-01", "2026-09-30", "month", ""),
        ("2026-08-12", "2026-08-20", "month", "The month has 9 of 31 days."),
        ("2026-08-02", "2026-10-30", "day", ""),
    ],
)
def test_weeks_and_months_that_are_parts_are_told(start, end, by, told):
    assert chosen(**{"period": "custom", "from": start, "to": end, "by": by}).cut_text() == told


def test_no_comparison():
    assert chosen(compare="none").compared() is None


def test_same_day_of_a_leap_year_falls_back_to_the_28th():
    asked = {"period": ["custom"], "from": ["2028-02-29"], "to": ["2028-02-29"], "compare": ["last-year"]}
    bounds = (dt.date(2020, 1, 1), dt.date(2030, 1, 1), dt.date(2029, 1, 1))
    found = parse(asked, Scope(*bounds, ("a",), ("b",), ("c",)))
    assert found.compared().start == dt.date(2027, 2, 28)


@pytest.mark.parametrize(
    "parameters",
    [
        {"period": "1 or 1=1"},
        {"site": "boston"},
        {"site": ["'; drop table bookings; --"]},
        {"line": "surgery"},
        {"band": "0-200"},
        {"compare": "yesterday"},
        {"by": "hour"},
        {"effect": ["happiness", "' or 1=1 --"]},
        {"day": "not-a-day"},
        {"unknown": "parameter"},
    ],
)
def test_what_is_unknown_or_malformed_falls_to_its_default(parameters):
    assert chosen(**parameters) == parse({}, SCOPE)


def test_a_site_outside_the_scope_is_dropped_and_the_others_stay():
    assert chosen(site=["dallas", "boston"]).sites == ("dallas",)


def test_days_outside_the_extract_are_brought_to_its_ends():
    found = chosen(period="custom", **{"from": "1999-01-01", "to": "2099-01-01"})
    assert (found.start, found.end) == (SCOPE.first_day, SCOPE.last_day)


def test_dates_in_the_wrong_order_are_swapped():
    found = chosen(period="custom", **{"from": "2026-05-31", "to": "2026-05-01"})
    assert (found.start.day, found.end.day) == (1, 31)


def test_the_address_reads_back_as_it_was_written():
    found = chosen(
        period="custom", **{"from": "2026-05-01", "to": "2026-05-31"}, site=["miami-beach", "dallas"], line="vitamin",
        band=["85-plus", "12-17"], compare="last-year", by="week", day="2026-05-04",
        effect="injection-site-pain",
    )  # fmt: skip
    assert parse(parse_qs(found.address()), SCOPE) == found
    assert found.sites == ("dallas", "miami_beach")
    assert found.bands == ("12–17", "85+")
    assert found.effect == "injection_site_pain"


def test_every_choice_ticked_is_the_same_as_none():
    assert chosen(line=["ketamine", "vitamin", "hydration"]).lines == ()


@pytest.mark.parametrize(("days", "grain"), [(35, "day"), (36, "week"), (200, "week"), (201, "month")])
def test_grain_changes_at_its_thresholds(days, grain):
    end = SCOPE.last_full_day
    start = end - dt.timedelta(days=days - 1)
    found = chosen(period="custom", **{"from": start.isoformat(), "to": end.isoformat()})
    assert found.days == days
    assert found.grain == grain


def test_slugs_tell_all_bands_and_sites_apart():
    names = [*SCOPE.bands, *SCOPE.sites]
    assert len({slug(name) for name in names}) == len(names)


def test_labels_exist_for_every_option():
    assert filters.DEFAULT_PERIOD in filters.PERIODS
    assert filters.DEFAULT_COMPARISON in filters.COMPARISONS
    assert filters.DEFAULT_GRAIN in filters.GRAINS


def test_an_address_has_every_parameter_in_one_order():
    asked = {
        "no-shows": ["slots"], "figure": ["no-show-rate"], "also": ["last-year"], "effect": ["nausea"], "by": ["week"], "band": ["12-17"], "line": ["ketamine"], "site": ["dallas"], "compare": ["none"],
        "day": ["2026-10-01"], "to": ["2026-09-30"], "from": ["2026-09-01"], "period": ["custom"],
    }  # fmt: skip
    many = replace(SCOPE, sites=(*SCOPE.sites, *(f"site_{n}" for n in range(20))))
    sites = [slug(site) for site in many.sites if site != "chicago"]
    found = parse(asked | {"part": ["2"], "site": sites}, many)
    assert tuple(found.query()) == filters.PARAMETERS


@pytest.mark.parametrize(
    ("sites", "part", "drawn", "words"),
    [
        (12, "2", (0, 12), "Sites 1 to 12 of 12"),
        (13, "1", (0, 12), "Sites 1 to 12 of 13"),
        (13, "2", (12, 13), "Sites 13 to 13 of 13"),
        (13, "3", (0, 12), "Sites 1 to 12 of 13"),
        (60, "2", (12, 24), "Sites 13 to 24 of 60"),
        (60, "5", (48, 60), "Sites 49 to 60 of 60"),
        (60, "0", (0, 12), "Sites 1 to 12 of 60"),
        (60, "-1", (0, 12), "Sites 1 to 12 of 60"),
        (60, "two", (0, 12), "Sites 1 to 12 of 60"),
        (60, "²", (0, 12), "Sites 1 to 12 of 60"),
        (60, "9" * 5000, (0, 12), "Sites 1 to 12 of 60"),
    ],
)
def test_of_many_sites_some_are_drawn_at_a_time(sites, part, drawn, words):
    scope = replace(SCOPE, sites=tuple(f"site_{n}" for n in range(sites)))
    found = parse({"part": [part]}, scope)
    assert found.sites == scope.sites
    assert found.sites_drawn == scope.sites[slice(*drawn)]
    assert found.part_text() == words
    assert found.query().get("part") == ([part] if drawn[0] else None)
    assert found.at("site_0").sites_drawn == ("site_0",)


def test_a_date_that_is_none_does_not_stretch_the_period():
    found = chosen(period="custom", to="2025-01-28", **{"from": "yesterday"})
    assert found.period_text() == "1 Jan 2025 to 28 Jan 2025"


def test_a_period_of_one_day_is_told_as_one_day():
    day = {"from": "2026-10-30", "to": "2026-10-30"}
    assert chosen(period="custom", **day).period_text() == "30 Oct 2026"


@pytest.mark.parametrize(
    ("compare", "start", "lacks"),
    [
        # The day before the first one, and a period that begins before it and ends within.
        ("previous", "2024-10-01", True),
        ("previous", "2024-10-20", False),
        ("last-year", "2025-09-01", True),
        ("none", "2024-10-01", False),
        ("site-dallas", "2024-10-01", False),
    ],
)
def test_nothing_is_compared_with_a_time_before_the_first_day(compare, start, lacks):
    dates = {"from": start, "to": (dt.date.fromisoformat(start) + dt.timedelta(days=29)).isoformat()}
    found = chosen(period="custom", compare=compare, **dates)
    assert found.lacks_comparison() is lacks
    also = chosen(period="custom", compare="none", also=compare, **dates)
    assert also.lacks_comparison(also=True) is lacks
    assert (also.compared(also=True) is None) is (lacks or compare in {"none", "site-dallas"})
