"""Two months that differ in how many infusions are ketamine, and two in which each service changed against its mix."""

from __future__ import annotations

import pytest
from choices import asked
from small_extracts import reading

from dashboard import panels, scorecard
from dashboard.access import Role
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
