"""Three months of a system whose bookings are Encounters, against what plain Python keeps of the same story."""

from __future__ import annotations

import datetime as dt
import json
import random
import shutil
from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fhir_clinic import (
    FhirClinic,
    Json,
    adverse_event,
    bundle,
    coded,
    encounter,
    invoice,
    location,
    observation,
    patient,
)

from dashboard.intake.publish import Rules

#: Locations with their sites, whose clocks go forward in the third month.
SITES = {"L1": "chicago", "L2": "dallas", "L3": "miami_beach"}
ZONES = {"L1": ZoneInfo("America/Chicago"), "L2": ZoneInfo("America/Chicago"), "L3": ZoneInfo("America/New_York")}
SERVICES = ("ketamine-infusion", "ketamine-booster", "vitamin-c", "hydration-basic")
STATUS = {"planned": "booked", "finished": "completed", "cancelled": "cancelled"}
EFFECTS = ("nausea", "dizziness", "confusion")


class Story:
    """Patients, visits and what belongs to them, each by its id, and the month in which it was last changed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.patients: dict[str, dict[str, Any]] = {}
        self.visits: dict[str, dict[str, Any]] = {}
        self.events: dict[str, dict[str, Any]] = {}
        self.payments: dict[str, dict[str, Any]] = {}
        self.scores: dict[str, dict[str, Any]] = {}
        self.touched: dict[tuple[str, str], int] = {}
        self.deleted: set[tuple[str, str]] = set()

    def go_on(self, month: int) -> None:
        """What happens in a month."""
        if month:
            self.change(month)
            self.merge(month)
        for _ in range(5 if month else 14):
            self.add("Patient", self.patients, month, born=self.chance.randrange(1940, 2008), into="", told="")
        for _ in range(30):
            ahead = self.chance.random() < 0.3
            status = "planned" if ahead else self.chance.choice(("finished", "finished", "cancelled"))
            visit = self.add(
                "Encounter", self.visits, month, patient=self.chance.choice(self.living()), place=self.place(),
                service=self.chance.choice(SERVICES), start=self.start(month + ahead), status=status, charges=[],
            )  # fmt: skip
            if status == "finished":
                self.attend(visit, month)

    def add(self, kind: str, where: dict[str, dict[str, Any]], month: int, **what: Any) -> str:
        identity = f"{kind}-{len(where)}"
        where[identity] = what
        self.touched[kind, identity] = month
        return identity

    def start(self, month: int) -> dt.datetime:
        day = dt.date(2026, 1 + month, 1 + self.chance.randrange(28))
        return dt.datetime.combine(day, dt.time(self.chance.randrange(9, 17), self.chance.choice((0, 15, 30))))

    def place(self) -> str:
        return self.chance.choice(sorted(SITES))

    def attend(self, visit: str, month: int) -> None:
        """What follows from a visit that took place."""
        here = self.visits[visit]
        who, start = here["patient"], here["start"]
        if self.chance.random() < 0.7:
            here["charges"] = [self.chance.randrange(100, 600) for _ in range(self.chance.choice((1, 1, 2)))]
            self.touched["ChargeItem", visit] = month
            amount = sum(here["charges"])
            self.add("Invoice", self.payments, month, visit=visit, patient=who, on=start.date(), amount=amount)
        if self.chance.random() < 0.5:
            effect = self.chance.choice(EFFECTS)
            self.add("AdverseEvent", self.events, month, visit=visit, patient=who, effect=effect)
        if self.chance.random() < 0.5:
            self.add("Observation", self.scores, month, patient=who, on=start, score=self.chance.randrange(28))

    def change(self, month: int) -> None:
        """Planned visits are held, cancelled or moved; others are corrected, withdrawn or deleted."""
        for visit in self.of_status("planned"):
            fate = self.chance.choice(("finished", "finished", "cancelled", "moved"))
            self.visits[visit] |= {"start": self.start(month)} if fate == "moved" else {"status": fate}
            self.touched["Encounter", visit] = month
            if fate == "finished":
                self.attend(visit, month)
        held = self.of_status("finished")
        for visit in self.chance.sample(held, 6):
            self.visits[visit] |= {"service": self.chance.choice(SERVICES), "place": self.place()}
            self.touched["Encounter", visit] = month
        withdrawn, gone = self.chance.sample(held, 2)
        self.visits[withdrawn]["status"] = "entered-in-error"
        self.touched["Encounter", withdrawn] = month
        event = self.chance.choice(sorted(self.events))
        self.events[event]["effect"] = self.chance.choice(EFFECTS)
        self.touched["AdverseEvent", event] = month
        self.deleted |= {("Encounter", gone), ("Observation", self.chance.choice(sorted(self.scores)))}

    def of_status(self, status: str) -> list[str]:
        return [
            one
            for one, visit in self.visits.items()
            if visit["status"] == status and ("Encounter", one) not in self.deleted
        ]

    def merge(self, month: int) -> None:
        """Records of one person become one, as that which goes says, that which stays, or it alone is left."""
        for told in ("replaced-by", "replaced-by", "replaces", "removed")[:: 1 if month == 1 else -1]:
            # First those that others went into.
            others = [what["into"] for what in self.patients.values() if what["into"] in self.living()]
            old, new = self.chance.sample(self.living(), 2)
            old = next((one for one in others if one != new), old)
            self.patients[old] |= {"into": new, "told": told}
            self.touched["Patient", old] = self.touched["Patient", new] = month
            if told == "removed":
                self.deleted.add(("Patient", old))

    def living(self) -> list[str]:
        return [one for one, what in self.patients.items() if not what["into"]]

    def person(self, patient: str, *, gone: bool = False) -> str:
        """The record that counts; of what is `gone`, the first behind it that is still there."""
        into = self.patients[patient]["into"]
        if not into or (gone and ("Patient", patient) not in self.deleted):
            return patient
        return self.person(into, gone=gone)

    def links(self, patient: str) -> list[tuple[str, str]]:
        what = self.patients[patient]
        said = [("replaced-by", what["into"])] if what["told"] == "replaced-by" else []
        for old, other in self.patients.items():
            if other["told"] in {"replaces", "removed"} and self.person(other["into"], gone=True) == patient:
                said.append(("replaces", old))
        return said

    def bookings(self) -> dict[str, tuple[Any, ...]]:
        """Site, service, status, start, price in cents, age and person by id."""
        found = {}
        for one, visit in self.visits.items():
            if ("Encounter", one) not in self.deleted and visit["status"] in STATUS:
                person, start = self.person(visit["patient"]), visit["start"]
                age = start.year - self.patients[person]["born"] - ((start.month, start.day) < (3, 1))
                price = sum(visit["charges"]) * 100 if visit["charges"] else None
                what = visit["service"], STATUS[visit["status"]], start, price, age, person
                found[one] = (SITES[visit["place"]], *what)
        return found

    def side_effects(self) -> dict[str, tuple[Any, ...]]:
        kept = self.bookings()
        return {
            one: (event["visit"], event["effect"]) for one, event in self.events.items() if event["visit"] in kept
        }

    def paid(self) -> dict[str, tuple[Any, ...]]:
        kept = self.bookings()
        return {
            one: (payment["visit"], payment["amount"] * 100)
            for one, payment in self.payments.items()
            if payment["visit"] in kept
        }

    def people(self) -> set[frozenset[str]]:
        """The bookings and scores of one person each."""
        own: dict[str, set[str]] = defaultdict(set)
        for one, booking in self.bookings().items():
            own[booking[-1]].add(one)
        for one, score in self.scores.items():
            if ("Observation", one) not in self.deleted:
                own[self.person(score["patient"])].add(one)
        return {frozenset(ids) for ids in own.values()}

    def resources(self) -> Iterator[tuple[tuple[str, str], Json]]:
        """What a server has now, with what each belongs to."""
        for one, what in self.patients.items():
            said = [{"type": kind, "other": to("Patient", other)} for kind, other in self.links(one)]
            more = {"link": said} if said else {}
            yield ("Patient", one), patient(one, birthDate=f"{what['born']}-03-01", **more)
        for one, visit in self.visits.items():
            begins, subject = visit["start"].replace(tzinfo=ZONES[visit["place"]]), to("Patient", visit["patient"])
            period = {"start": begins.isoformat(), "end": (begins + dt.timedelta(minutes=50)).isoformat()}
            yield ("Encounter", one), encounter(
                one, status=visit["status"], subject=subject, period=period, type=[coded(visit["service"])],
                location=[{"location": to("Location", visit["place"])}],
            )  # fmt: skip
            for number, price in enumerate(visit["charges"]):
                yield ("ChargeItem", one), {
                    "resourceType": "ChargeItem", "id": f"{one}-{number}", "status": "billed", "code": coded("drip"),
                    "subject": subject, "context": to("Encounter", one),
                    "priceOverride": {"value": price, "currency": "USD"},
                }  # fmt: skip
        for one, event in self.events.items():
            yield ("AdverseEvent", one), adverse_event(
                one, event={"text": event["effect"]}, subject=to("Patient", event["patient"]),
                encounter=to("Encounter", event["visit"]),
            )  # fmt: skip
        for one, paid in self.payments.items():
            line, who = (
                {"chargeItemReference": to("ChargeItem", f"{paid['visit']}-0")},
                to("Patient", paid["patient"]),
            )
            yield ("Invoice", one), invoice(one, paid["amount"], date=str(paid["on"]), subject=who, lineItem=[line])
        for one, score in self.scores.items():
            at, who = score["on"].replace(tzinfo=ZONES["L1"]).isoformat(), to("Patient", score["patient"])
            yield (
                ("Observation", one),
                observation(one, subject=who, effectiveDateTime=at, valueInteger=score["score"]),
            )


def to(kind: str, identity: str) -> Json:
    return {"reference": f"{kind}/{identity}"}


def deliver(fhir: FhirClinic, story: Story, month: int, *, whole: bool) -> None:
    """All that there is; or what is new, changed or deleted, beside what came before."""
    if whole:
        shutil.rmtree(fhir.delivery)
        fhir.delivery.mkdir()
    kinds = defaultdict(list)
    for key, resource in story.resources():
        changed = story.touched[key]
        if key not in story.deleted and (whole or changed == month):
            kinds[key[0]].append(resource | {"meta": {"lastUpdated": f"2026-{changed + 2:02}-01T00:00:00Z"}})
    if whole or not month:
        kinds["Location"] = [location(one, site.replace("_", " ").title()) for one, site in SITES.items()]
    for kind, resources in kinds.items():
        fhir.lines(f"{month}/{kind}.ndjson", *resources)
    if not whole:
        entries = [{"request": {"method": "DELETE", "url": "/".join(key)}} for key in sorted(story.deleted)]
        fhir.write(f"{month}/deleted.ndjson", json.dumps({**bundle(kind="history"), "entry": entries}))


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "since"])
@pytest.mark.parametrize("seed", [1, 4])
def test_each_month_is_what_the_story_says(fhir: FhirClinic, seed: int, whole: bool) -> None:
    story, before = Story(seed), dict[str, tuple[Any, ...]]()

    def by_id(sql: str) -> dict[str, tuple[Any, ...]]:
        return {one: tuple(rest) for one, *rest in fhir.ask(sql)}

    for month in range(3):
        story.go_on(month)
        deliver(fhir, story, month, whole=whole)
        fhir.publish(fhir={"bookings": "Encounter"}, rules=Rules(accept_drop=True))
        now = story.bookings()
        assert by_id(
            "select booking_id, site::varchar, service::varchar, status::varchar, starts_at, price_cents, age from bookings"
        ) == {one: booking[:-1] for one, booking in now.items()}
        assert by_id("select event_id, booking_id, effect::varchar from side_effects") == story.side_effects()
        assert by_id("select payment_id, booking_id, amount_cents from payments") == story.paid()
        groups = fhir.ask(
            "select list(id) from (select patient, booking_id as id from bookings union all "
            "select patient, score_id from scores) group by patient"
        )
        assert {frozenset(ids) for (ids,) in groups} == story.people()
        if before:
            both = before.keys() & now.keys()
            changed = sum(before[one] != now[one] for one in both)
            assert fhir.ask(
                "select added, removed, changed from changes where source = 'bookings' and site is null"
            ) == [(len(now) - len(both), len(before) - len(both), changed)]
        before = now
