"""Distinct patients of any period and choice, counted by day of their last visit, against a count by hand."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from random import Random

import pytest
from intake_clinic import Clinic

from dashboard.access import Role, Viewer
from dashboard.settings import Settings
from dashboard.warehouse import Warehouse

DIRECTOR = Viewer("director", "Director", Role.MEDICAL_DIRECTOR)
SITES = ("chicago", "dallas", "miami_beach")
SERVICES = {"ketamine-infusion": "ketamine", "vitamin-c": "vitamin", "hydration-basic": "hydration"}
LINES = tuple(SERVICES.values())
AGES = {"18–25": 25, "26–44": 26, "45–64": 50}
FIRST = dt.date(2026, 1, 1)
DAYS = 8
LEVELS = ((), ("site",), ("line",), ("band",), ("site", "line"))


@dataclass(frozen=True)
class Visit:
    """A booking of the delivery, with what its side effects tell."""

    patient: str
    site: str
    service: str
    day: int
    minute: int
    band: str
    status: str
    coordinated: bool
    effect: str
    severity: str

    @property
    def line(self) -> str:
        return SERVICES[self.service]


def visits_of(random: Random) -> list[Visit]:
    """Patients of all kinds: with one of everything, several lines, sites and bands, and visits that didn't end."""
    made = []
    for number in range(40):
        sites = random.sample(SITES, 2 if random.random() < 0.2 else 1)
        services = random.sample(list(SERVICES), random.choice((1, 1, 2, 3)))
        bands = random.sample(list(AGES), 2 if random.random() < 0.2 else 1)
        unfinished = random.random() < 0.2
        for _ in range(random.randint(1, 12)):
            completed = random.random() > 0.2
            had_effect = random.random() < 0.4
            made.append(
                Visit(
                    f"P{number}", random.choice(sites), random.choice(services), random.randrange(DAYS),
                    random.randrange(480, 1080), random.choice(bands),
                    "completed" if completed else "arrived" if unfinished else random.choice(("no_show", "booked")),
                    random.random() < 0.4,
                    random.choice(("nausea", "dizziness", "cardiac_arrest")) if had_effect else "",
                    random.choice(("mild", "severe")),
                )
            )  # fmt: skip
    return made


def delivered(clinic: Clinic, visits: list[Visit]) -> None:
    clinic.write(
        "bookings.csv",
        "booking_id,patient_id,site,service,starts_at,status,age,mental_health_provider",
        *(
            f"B{row},{one.patient},{one.site},{one.service},{FIRST + dt.timedelta(days=one.day)} "
            f"{one.minute // 60:02}:{one.minute % 60:02},{one.status},{AGES[one.band]},{'yes' if one.coordinated else 'no'}"
            for row, one in enumerate(visits)
        ),
    )
    clinic.write(
        "side_effects.csv",
        "event_id,booking_id,effect,severity",
        *(f"E{row},B{row},{one.effect},{one.severity}" for row, one in enumerate(visits) if one.effect),
    )


def counted(visits: list[Visit], by: tuple[str, ...]) -> dict[tuple[str, ...], list[int]]:
    """Patients, treated, with an effect, a severe, a serious one, of ketamine, and of these coordinated."""
    tests = (
        lambda one: one.status in ("arrived", "completed"),
        lambda one: one.status == "completed",
        lambda one: one.status == "completed" and one.effect,
        lambda one: one.status == "completed" and one.effect and one.severity == "severe",
        lambda one: one.status == "completed" and one.effect == "cardiac_arrest",
        lambda one: one.status == "completed" and one.line == "ketamine",
        lambda one: one.status == "completed" and one.line == "ketamine" and one.coordinated,
    )
    found: dict[tuple[str, ...], list[set[str]]] = defaultdict(lambda: [set() for _ in tests])
    for one in visits:
        for test, patients in zip(tests, found[tuple(getattr(one, name) for name in by)], strict=True):
            if test(one):
                patients.add(one.patient)
    return {key: [len(patients) for patients in sets] for key, sets in found.items()}


def used(visits: list[Visit], by: tuple[str, ...]) -> dict[tuple[str, ...], int]:
    """Patients by site, band at the last visit, and the lines that they used."""
    places: dict[tuple[str, ...], list[Visit]] = defaultdict(list)
    for one in visits:
        places[(one.patient, one.site) if "site" in by else (one.patient,)].append(one)
    found: dict[tuple[str, ...], int] = defaultdict(int)
    for theirs in places.values():
        last = max(theirs, key=lambda one: (one.day, one.minute))
        ketamine, drip = (any((one.line == "ketamine") is wanted for one in theirs) for wanted in (True, False))
        use = "both" if ketamine and drip else "ketamine" if ketamine else "drip"
        found[(*(getattr(last, name) for name in by), use)] += 1
    return dict(found)


@pytest.mark.parametrize("seed", range(6))
def test_distinct_patients_of_any_choice_are_those_counted_by_hand(clinic: Clinic, seed: int) -> None:
    random = Random(seed)
    # Two visits of a patient at one minute would leave open which of them was the last.
    visits = list({(one.patient, one.day, one.minute): one for one in visits_of(random)}.values())
    delivered(clinic, visits)
    clinic.publish()
    apart = clinic.one("select count(distinct patient) from patients_apart")
    assert 0 < apart < clinic.one("select count(distinct patient) from bookings")
    house = Warehouse(clinic.report.path, Settings(data=clinic.data))
    for _ in range(60):
        first, last = sorted(random.sample(range(DAYS), 2))
        sites = random.sample(SITES, random.randint(1, 3))
        lines = random.choice((LINES, LINES, random.sample(LINES, 1), random.sample(LINES, 2)))
        bands = random.choice((list(AGES), random.sample(list(AGES), random.randint(1, 2))))
        chosen = [
            one for one in visits
            if first <= one.day <= last and one.site in sites and one.line in lines and one.band in bands
            and one.status in ("arrived", "completed")
        ]  # fmt: skip
        values = {
            "start": FIRST + dt.timedelta(days=first), "end": FIRST + dt.timedelta(days=last),
            "sites": sites, "lines": list(lines), "bands": list(bands),
        }  # fmt: skip
        # What is counted by day answers for one line and for all, the bookings for any.
        for name in ("patients_of_lines", *(["patients"] if len(lines) != 2 else [])):
            for by in LEVELS:
                frame = house.at_level(DIRECTOR, name, by, **values)
                rows = {tuple(row[: len(by)]): row[-7:] for row in frame[[*by, *frame.columns[-7:]]].values.tolist()}
                assert rows == counted(chosen, by), (name, by, values)
        for name in ("both_of_lines", *(["both_lines"] if len(lines) != 2 else [])):
            for by in (("site",), ("site", "band"), ("band",)):
                frame = house.query(DIRECTOR, name, by=by, **values)
                rows = {tuple(row[:-1]): row[-1] for row in frame[[*by, "used", "patients"]].values.tolist()}
                assert rows == used(chosen, by), (name, by, values)
    house.close()
