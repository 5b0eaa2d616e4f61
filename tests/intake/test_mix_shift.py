"""What a shift of the service mix is made of, against a count by hand."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from random import Random

from intake_clinic import Clinic

from dashboard.access import Role, Viewer
from dashboard.settings import Settings
from dashboard.warehouse import Warehouse

DIRECTOR = Viewer("director", "Director", Role.MEDICAL_DIRECTOR)
SITES = ("chicago", "dallas", "miami_beach")
SERVICES = {"ketamine-infusion": "ketamine", "vitamin-c": "vitamin", "hydration-basic": "hydration"}
AGES = {"18–25": 20, "26–44": 30}
FIRST = dt.date(2026, 1, 1)
DAYS = 12

#: Patient, site, line, day, age band.
Visit = tuple[str, str, str, int, str]


def by_hand(visits: list[Visit], now: set[int], before: set[int]) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Patients, visits now and visits before, by line and kind."""
    days: dict[str, set[int]] = defaultdict(set)
    for patient, _, _, day, _ in visits:
        days[patient].add(day)
    found: dict[tuple[str, str], tuple[set[str], Counter[str]]] = defaultdict(lambda: (set(), Counter()))
    for patient, _, line, day, _ in visits:
        if day in now | before:
            came, left = not days[patient] & before, not days[patient] & now
            patients, counts = found[line, "came" if came else "left" if left else "stayed"]
            patients.add(patient)
            counts.update({"now": day in now, "before": day in before})
    return {key: (len(patients), counts["now"], counts["before"]) for key, (patients, counts) in found.items()}


def test_a_shift_is_made_of_what_is_counted_by_hand(clinic: Clinic) -> None:
    random = Random(5)
    rows, visits = [], []
    # The first has more visits in a line than three digits hold.
    for number, many in enumerate((4000, *(random.randint(1, 12) for _ in range(60)))):
        sites, services = (
            random.sample(SITES, random.choice((1, 1, 2))),
            random.sample(list(SERVICES), random.choice((1, 2, 3))),
        )
        for visit in range(many):
            site, service, band = random.choice(sites), random.choice(services), random.choice(list(AGES))
            day, minute = random.randrange(DAYS), 480 + visit % 600
            status = random.choice(("completed", "completed", "completed", "arrived", "no_show"))
            at = f"{FIRST + dt.timedelta(days=day)} {minute // 60:02}:{minute % 60:02}"
            rows.append(f"B{len(rows)},P{number},{site},{service},{at},{status},{AGES[band]}")
            if status == "completed":
                visits.append((f"P{number}", site, SERVICES[service], day, band))
    clinic.write("bookings.csv", "booking_id,patient_id,site,service,starts_at,status,age", *rows)
    clinic.publish()
    house = Warehouse(clinic.report.path, Settings(data=clinic.data))
    for _ in range(80):
        # Compared periods may overlap, or have days between them.
        (start, end), (before_start, before_end) = (sorted(random.choices(range(DAYS), k=2)) for _ in range(2))
        sites, bands = random.sample(SITES, random.randint(1, 3)), random.sample(list(AGES), random.randint(1, 2))
        days = {"start": start, "end": end, "before_start": before_start, "before_end": before_end}
        values = {name: FIRST + dt.timedelta(days=day) for name, day in days.items()}
        frame = house.query(DIRECTOR, "mix_shift", sites=sites, bands=bands, **values)
        told = {(line, kind): tuple(counts) for line, kind, *counts in frame.values.tolist()}
        chosen = [one for one in visits if one[1] in sites and one[4] in bands]
        assert told == by_hand(chosen, set(range(start, end + 1)), set(range(before_start, before_end + 1))), values
    house.close()
