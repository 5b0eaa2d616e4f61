"""Who came back after an infusion, and to which site."""

from __future__ import annotations

from intake_clinic import BOOKINGS, EVENTS, Clinic


def test_a_return_is_to_the_same_site_and_line_within_sixty_days(clinic: Clinic) -> None:
    clinic.write(
        "bookings.csv", BOOKINGS,
        # Sixty days later again in Chicago; in between in Dallas, where nobody saw P1 again.
        "B1,P1,chicago,ketamine-infusion,2026-01-05 09:00,completed",
        "B2,P1,dallas,ketamine-infusion,2026-01-20 09:00,completed",
        "B3,P1,chicago,ketamine-infusion,2026-03-06 09:00,completed",
        # A day too late.
        "B4,P2,chicago,ketamine-infusion,2026-01-05 09:00,completed",
        "B5,P2,chicago,ketamine-infusion,2026-03-07 09:00,completed",
        # For another line; and not seen after all.
        "B6,P3,chicago,vitamin-c,2026-01-05 09:00,completed",
        "B7,P3,chicago,ketamine-infusion,2026-01-06 09:00,completed",
        "B8,P4,dallas,ketamine-infusion,2026-01-05 09:00,completed",
        "B9,P4,dallas,ketamine-infusion,2026-01-06 09:00,no_show",
        "B10,P5,dallas,ketamine-infusion,2026-01-05 09:00,completed",
        "B11,P5,dallas,ketamine-infusion,2026-01-12 09:00,completed",
    )  # fmt: skip
    clinic.write(
        "side_effects.csv",
        EVENTS,
        "E1,B1,nausea",
        "E2,B1,Nausea",
        "E3,B1,cardiac_arrest",
        "E4,B10,nausea",
        "E5,B8,nausea",
    )
    clinic.publish()
    assert clinic.ask(
        "select site, line, effect, sum(infusions), sum(returned) from daily_returns group by all order by all nulls first"
    ) == [
        ("chicago", "ketamine", None, 5, 1),
        ("chicago", "ketamine", "any effect", 1, 1),
        ("chicago", "ketamine", "any serious", 1, 1),
        ("chicago", "ketamine", "cardiac_arrest", 1, 1),
        ("chicago", "ketamine", "nausea", 1, 1),
        ("chicago", "vitamin", None, 1, 0),
        ("dallas", "ketamine", None, 4, 1),
        ("dallas", "ketamine", "any effect", 2, 1),
        ("dallas", "ketamine", "nausea", 2, 1),
    ]


def test_completed_bookings_are_numbered_by_patient_site_and_line(clinic: Clinic) -> None:
    clinic.write(
        "bookings.csv", BOOKINGS,
        "B1,P1,chicago,ketamine-infusion,2026-01-05 09:00,completed",
        "B2,P1,chicago,ketamine-booster,2026-01-12 09:00,completed",
        # Another site, another line, another patient, and nothing that took place.
        "B3,P1,dallas,ketamine-infusion,2026-01-07 09:00,completed",
        "B4,P1,chicago,vitamin-c,2026-01-08 09:00,completed",
        "B5,P2,chicago,ketamine-infusion,2026-01-06 09:00,completed",
        "B6,P1,chicago,ketamine-infusion,2026-01-09 09:00,arrived",
        "B7,P1,chicago,ketamine-infusion,2026-01-10 09:00,no_show",
        # At one time: by id.
        "B9,P1,chicago,ketamine-infusion,2026-01-19 09:00,completed",
        "B8,P1,chicago,ketamine-infusion,2026-01-19 09:00,completed",
    )  # fmt: skip
    clinic.publish()
    assert clinic.ask("select booking_id, infusion, next_on::varchar from bookings order by booking_id") == [
        ("B1", 1, "2026-01-12"),
        ("B2", 2, "2026-01-19"),
        ("B3", 1, None),
        ("B4", 1, None),
        ("B5", 1, None),
        ("B6", None, None),
        ("B7", None, None),
        ("B8", 3, "2026-01-19"),
        ("B9", 4, None),
    ]
