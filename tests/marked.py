"""A delivery in which each site's rows carry its own mark."""

from __future__ import annotations

import datetime as dt
import itertools
from pathlib import Path

SITES = ("chicago", "dallas", "miami_beach")
DAYS = 40
#: How many visits a day: any sum of foreign rows is told by it, since 1, 3 and 9 add up in one way.
VISITS = dict(zip(SITES, (1, 3, 9), strict=True))
START = dt.date(2026, 1, 5)


def write_delivery(folder: Path) -> Path:
    """The same patients everywhere; ids, providers, prices, effects and methods name the site."""
    bookings = ["booking_id,patient_id,site,service,starts_at,status,booked_at,age,provider,price,side_effects_assessed,"
                "chair_minutes,supervision,mental_health_provider"]  # fmt: skip
    effects, payments = (
        ["event_id,booking_id,effect,severity,action"],
        ["payment_id,patient_id,paid_at,kind,amount,booking_id,method"],
    )
    for site, day in itertools.product(SITES, range(DAYS)):
        date = START + dt.timedelta(days=day)
        for visit in range(VISITS[site]):
            booking = f"MARK-{site}-{day}-{visit}"
            service = ("ketamine-infusion", "vitamin-c")[day % 2]
            bookings.append(
                f"{booking},P{(day + visit) % 7},{site},{service},{date} {9 + visit:02}:00,completed,{date} 08:00,40,Dr-{site},"
                f"{VISITS[site]}.00,{'yes' if visit else 'no'},60,physician,yes"
            )
            # Another word than those of the reference table is its site's own.
            effect = "nausea" if day else f"MARK-{site} ache"
            effects.append(f"E-{booking},{booking},{effect},mild,seen-{site}")
            payments.append(
                f"P-{booking},P{(day + visit) % 7},{date} 18:00,payment,{VISITS[site]}.00,{booking},card-{site}"
            )
    folder.mkdir(parents=True)
    for name, lines in (("bookings", bookings), ("side_effects", effects), ("payments", payments)):
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    return folder
