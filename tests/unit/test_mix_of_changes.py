"""Changes that come of another mix of services, that another mix hides, and that a few patients make."""

from __future__ import annotations

import pytest
from choices import asked
from small_extracts import reading

from dashboard import panels, scorecard, spc
from dashboard.access import Role
from dashboard.clusters import designs
from dashboard.reports.crossed import change

MONTHS = {"before": "2026-09", "now": "2026-10"}
SERVICES = {"ketamine": "ketamine-infusion", "drip": "vitamin-myers"}


def clinic(**months):
    """Bookings and side effects of a clinic: by month and service how many infusions, and how many with nausea."""
    bookings, events = ["booking_id,patient_id,site,service,starts_at,status,age"], ["event_id,booking_id,effect"]
    for month, services in months.items():
        for service, (infusions, with_it) in services.items():
            for number in range(infusions):
                name = f"{month}-{service}-{number}"
                day, hour, minute = (
                    (3 if month == "before" else 1) + number % 28,
                    9 + number // 28 % 8,
                    number % 4 * 15,
                )
                bookings.append(
                    f"{name},P-{name},chicago,{SERVICES[service]},{MONTHS[month]}-{day:02} {hour:02}:{minute:02},"
                    "completed,40"
                )
                if number < with_it:
                    events.append(f"E-{name},{name},nausea")
    return {"bookings": "\n".join(bookings) + "\n", "side_effects": "\n".join(events) + "\n"}


@pytest.fixture(scope="module")
def other_mix(tmp_path_factory):
    """Nausea after 20 of 100 ketamine infusions and 2 of 100 drips in both months; three times as much ketamine."""
    tables = clinic(before={"ketamine": (100, 20), "drip": (300, 6)}, now={"ketamine": (300, 60), "drip": (100, 2)})
    with reading(tmp_path_factory.mktemp("other"), Role.MEDICAL_DIRECTOR, **tables) as reader:
        yield reader


@pytest.fixture(scope="module")
def hidden_rise(tmp_path_factory):
    """Nausea after twice as many infusions of each service, and a third as much ketamine."""
    tables = clinic(before={"ketamine": (300, 45), "drip": (100, 3)}, now={"ketamine": (100, 32), "drip": (300, 20)})
    with reading(tmp_path_factory.mktemp("hidden"), Role.MEDICAL_DIRECTOR, **tables) as reader:
        yield reader


def october(reader, name):
    chosen = asked(reader, period="custom", from_="2026-10-01", to="2026-10-28", compare="previous")
    return panels.rows(reader, name, chosen)


def of_effect(reader):
    rows = october(reader, "effects")
    return rows[rows["effect"] == "Nausea"].iloc[0]


def of_card(reader):
    rows = october(reader, "safety_outcomes")
    return rows[rows["metric"] == "any_effect"].iloc[-1]


def between_groups(reader):
    rows = october(reader, "group_differences").set_index("comparison")
    return rows.loc["This period − compared period"]


def test_another_mix_alone_is_no_rise(other_mix):
    effect, card, pair = of_effect(other_mix), of_card(other_mix), between_groups(other_mix)
    for row in (effect, card):
        assert row["change"] == pytest.approx(100 * (62 / 400 - 26 / 400))
        assert row["change_lower"] > 0
        assert row["alike"] == pytest.approx(0)
    assert effect["against_before"] == "not distinguishable like for like"
    assert card["change_kind"] == "common"
    assert card["change_told"] == "not distinguishable like for like"
    assert pair["verdict"] == "As usual"
    assert pair["reading"].startswith("not distinguishable, apart by +9.0 points")
    html = scorecard.compare(october(other_mix, "safety_outcomes").query("metric == 'any_effect'"))
    assert 'aria-label="Concern"' not in html
    assert "not distinguishable like for like" in html
    assert "not distinguishable like for like" in change(effect)


def test_a_rise_of_each_service_is_told_though_the_mix_hides_it(hidden_rise):
    effect, card, pair = of_effect(hidden_rise), of_card(hidden_rise), between_groups(hidden_rise)
    for row in (effect, card):
        assert row["change_lower"] < 0 < row["change_upper"]
        assert row["alike_lower"] > 0
    assert effect["against_before"] == "higher like for like"
    assert card["change_kind"] == "concern"
    assert card["change_words"].startswith("like for like +")
    assert pair["verdict"] == "Concern"
    assert pair["reading"].startswith("higher, apart by ")


def test_what_cannot_be_taken_apart_by_service_is_neither_good_nor_bad(other_mix):
    rows = october(other_mix, "safety_outcomes").query("site == 'All sites'").set_index("metric")
    for name in ("any_effect_patients", "event_rate"):
        assert rows.loc[name, "change_lower"] > 0
        assert rows.loc[name, "change_kind"] == "neither"


def prone(month, patients, with_it, site="chicago"):
    """Each patient has eight infusions in a month, and nausea after each or after none."""
    bookings, events = [], []
    for number in range(patients):
        for visit in range(8):
            name = f"{site}-{month}-{number}-{visit}"
            day = (3 if month == "before" else 1) + 3 * visit
            bookings.append(
                f"{name},P-{site}-{month}-{number},{site},ketamine-infusion,{MONTHS[month]}-{day:02} "
                f"{9 + number // 8:02}:{number % 8 * 7:02},completed,40"
            )
            if number < with_it:
                events.append(f"E-{name},{name},nausea")
    return bookings, events


def written(*parts):
    """Tables of what `prone` gives."""
    bookings = [
        "booking_id,patient_id,site,service,starts_at,status,age",
        *(row for part in parts for row in part[0]),
    ]
    events = ["event_id,booking_id,effect", *(row for part in parts for row in part[1])]
    return {"bookings": "\n".join(bookings) + "\n", "side_effects": "\n".join(events) + "\n"}


def test_a_few_patients_who_have_it_each_time_are_no_rise(tmp_path):
    """Of 40 patients 8 and then 12: by infusions 64 and 96 of 320, which would be told of as many patients."""
    parts = [prone("before", 40, 8), prone("now", 40, 12)]
    bookings = [
        "booking_id,patient_id,site,service,starts_at,status,age",
        *(row for part in parts for row in part[0]),
    ]
    events = ["event_id,booking_id,effect", *(row for part in parts for row in part[1])]
    tables = {"bookings": "\n".join(bookings) + "\n", "side_effects": "\n".join(events) + "\n"}
    with reading(tmp_path, Role.MEDICAL_DIRECTOR, **tables) as reader:
        effect, card, pair = of_effect(reader), of_card(reader), between_groups(reader)
        chosen = asked(reader, period="custom", from_="2026-10-01", to="2026-10-28")
        # Of eight infusions that go together wholly the variance is eight times as large; some spans hold fewer.
        assert 6 < designs(reader, chosen.days)["ketamine", "nausea"] < 8 * 40 / 39
    for row in (effect, card):
        assert row["alike"] == pytest.approx(10)
        assert row["change_lower"] > 0
        assert row["alike_lower"] < 0
    assert effect["against_before"] == card["change_told"] == "not distinguishable like for like"
    assert pair["verdict"] == "As usual"


def test_whoever_may_not_see_signals_is_told_nothing_like_for_like(tmp_path):
    tables = clinic(before={"ketamine": (100, 20), "drip": (300, 6)}, now={"ketamine": (300, 60), "drip": (100, 2)})
    with reading(tmp_path, Role.MANAGER, hides=False, **tables) as reader:
        effect, card = of_effect(reader), of_card(reader)
    assert effect[["alike", "alike_lower"]].isna().all()
    assert card["change_kind"] == "neither"
    assert effect["against_before"] == "higher, service lines and ages not taken into account"


def test_a_few_patients_who_have_it_each_time_put_no_site_outside_the_limits(tmp_path):
    """Of 40 patients 14 at one site and 6 at the other: of infusions, independent ones, it would be beyond 99.8 %."""
    tables = written(prone("now", 40, 14), prone("now", 40, 6, "dallas"))
    with reading(tmp_path, Role.MEDICAL_DIRECTOR, **tables) as reader:
        rows = october(reader, "site_funnel")
        chosen = asked(reader, period="custom", from_="2026-10-01", to="2026-10-28")
        wider = designs(reader, chosen.days)["ketamine", ""]
    inner, outer = spc.funnel(rows["expected"].to_numpy())
    assert (rows["ratio"] > outer.upper).any()
    assert set(rows["verdict"]) == {"As usual"}
    for limit, plain in (("inner_upper", inner.upper), ("outer_upper", outer.upper)):
        assert (rows[limit] - 1).tolist() == pytest.approx(((plain - 1) * wider**0.5).tolist())
