"""All that is known of a visit of the demo delivery beside its place, its day and its service."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard.intake.demo.days import Days, Ints, open_minutes
from dashboard.intake.demo.patients import Patients
from dashboard.intake.demo.status import settle_status
from dashboard.intake.reference import Reference

Texts = npt.NDArray[np.str_]

_HOUR_WEIGHTS = (0.9, 1.05, 1.1, 1.0, 0.92, 1.0, 1.05, 0.98, 0.9, 0.8)


def describe(
    rng: np.random.Generator,
    visits: pd.DataFrame,
    patients: Patients,
    reference: Reference,
    days: Days,
) -> pd.DataFrame:
    """Times, people and circumstances of every visit."""
    table = visits
    table["line"] = np.array([service.line for service in reference.services])[table["service"]]
    sites = [site.site for site in reference.sites]
    services = [service.service for service in reference.services]
    table["site_key"] = pd.Categorical.from_codes(table["site"].tolist(), pd.Index(sites))
    table["service_key"] = pd.Categorical.from_codes(table["service"].tolist(), pd.Index(services))
    table["is_ketamine"] = table["line"] == "ketamine"
    table["start"] = _start_minutes(rng, table, reference)
    table = table.sort_values(["day", "site", "start", "patient"], ignore_index=True)
    settle_status(rng, table, days)
    _add_minutes(rng, table)
    _add_people(rng, table, patients)
    _add_circumstances(rng, table)
    _add_prices(rng, table, reference)
    table["booking_id"] = numbered("B", np.arange(1, len(table) + 1))
    return table


def _start_minutes(rng: np.random.Generator, table: pd.DataFrame, reference: Reference) -> Ints:
    """Minutes after midnight, on the quarter hour, spread over the open hours of each day."""
    order = rng.permutation(len(table))
    cell = table["site"].to_numpy() * 100_000 + table["day"].to_numpy()
    sequence = order[np.argsort(cell[order], kind="stable")]
    sizes = np.unique(cell[sequence], return_counts=True)[1]
    rank = np.arange(len(table)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    share = np.empty(len(table))
    # Evenly spread ranks keep the chairs from being double-booked by chance.
    share[sequence] = (rank + rng.random(len(table))) / np.repeat(sizes, sizes)
    opens = np.array([site.hours[-1].opens.hour * 60 + site.hours[-1].opens.minute for site in reference.sites])
    room = np.array([open_minutes(site) for site in reference.sites])[table["site"]]
    room = room - table["minutes"].to_numpy()
    profile = np.concatenate([[0.0], np.cumsum(_HOUR_WEIGHTS)]) / np.sum(_HOUR_WEIGHTS)
    at = np.interp(share, profile, np.linspace(0, 1, len(profile))) * (room + 14)
    start: Ints = opens[table["site"]] + np.minimum(at // 15 * 15, room // 15 * 15).astype(np.int64)
    return start


def _add_minutes(rng: np.random.Generator, table: pd.DataFrame) -> None:
    planned = table["minutes"].to_numpy()
    real = np.maximum(np.round(planned * rng.normal(1.06, 0.07, len(table)) / 5) * 5, 10)
    stopped = np.maximum(np.round(planned * rng.uniform(0.2, 0.6, len(table)) / 5) * 5, 5)
    spent = np.where(table["status"] == 1, stopped, real).astype(np.int64)
    table["spent"] = np.where(table["attended"], spent, planned)


def _add_people(rng: np.random.Generator, table: pd.DataFrame, patients: Patients) -> None:
    """What belongs to the patient: number, birth, sex, weight, indication, other provider."""
    count = len(patients)
    draw = rng.random(count)
    young = draw < np.where(patients.ketamine, 0.035, 0.01)
    old = draw > np.where(patients.ketamine, 0.915, 0.95)
    adult = rng.normal(np.where(patients.ketamine, 41.0, 37.0), 12.0, count)
    adult = np.where(adult < 18, 36 - adult, adult)
    age = np.select([young, old], [rng.uniform(12, 18, count), rng.normal(71, 8, count)], adult)
    age = np.clip(age, 12, 94.9)
    started = np.where(patients.ketamine, patients.ketamine_start, patients.drips_start)
    who = table["patient"].to_numpy()
    table["born"] = (started - np.ceil(age * 365.2425) - 1).astype(np.int64)[who]
    table["no_birth"] = (rng.random(count) < 0.008)[who]
    table["sex"] = rng.choice(["female", "male", "other"], count, p=(0.58, 0.4, 0.02))[who]
    table["kilos"] = np.clip(rng.normal(78, 15, count), 42, 140)[who]
    reasons = ["depression", "anxiety", "ptsd", "chronic_pain", "ocd"]
    table["reason"] = rng.choice(reasons, count, p=(0.5, 0.18, 0.15, 0.12, 0.05))[who]
    wishes = ["wellness", "fatigue", "dehydration", "migraine", "athletic_recovery"]
    wish = rng.choice(wishes, count, p=(0.4, 0.2, 0.2, 0.1, 0.1))[who]
    table["indication"] = np.where(table["is_ketamine"], table["reason"], wish)
    answer = rng.choice(["yes", "no", ""], count, p=(0.71, 0.21, 0.08))[who]
    table["answer"] = np.where(table["is_ketamine"], answer, "")
    # Numbers are given in the order of the first booking, as a front desk does.
    _, first = np.unique(who, return_index=True)
    rank = np.zeros(count, np.int64)
    rank[who[np.sort(first)]] = np.arange(1, len(first) + 1)
    table["patient_id"] = numbered("P", rank[who])


def _add_circumstances(rng: np.random.Generator, table: pd.DataFrame) -> None:
    """Provider, supervision, channel, lead time, dose and the side-effect form."""
    count = len(table)
    ketamine = table["is_ketamine"].to_numpy()
    number = table["site"].to_numpy() * 3 + rng.choice(3, count, p=(0.5, 0.3, 0.2)) + 1
    staff = np.where(ketamine, "DR-", "RN-")
    table["provider"] = np.char.add(staff, np.char.zfill(number.astype(str), 2))
    words = np.array(["anesthesiologist", "physician", "other", "none", ""])
    doctors = words[rng.choice(5, count, p=(0.86, 0.1, 0.02, 0.005, 0.015))]
    others = words[rng.choice(5, count, p=(0.0, 0.34, 0.5, 0.06, 0.1))]
    table["supervision"] = np.where(table["attended"], np.where(ketamine, doctors, others), "")
    ways = np.array(["web", "phone", "referral", "walk_in"])
    to_ketamine = ways[rng.choice(4, count, p=(0.44, 0.34, 0.22, 0.0))]
    to_drips = ways[rng.choice(4, count, p=(0.56, 0.28, 0.04, 0.12))]
    table["channel"] = np.where(ketamine, to_ketamine, to_drips)
    table["lead"] = _lead_days(rng, table)
    table["dose"] = np.where(ketamine & table["attended"], np.round(table["kilos"] * 0.5, 1), np.nan)
    table["assessed"] = table["completed"] & (rng.random(count) < 0.92)


def _lead_days(rng: np.random.Generator, table: pd.DataFrame) -> Ints:
    """Days from booking to start: short for drips, none for who walks in."""
    mean = np.where(table["is_ketamine"], 9.0, 5.0)
    lead = np.floor(rng.gamma(1.6, mean / 1.6)).astype(np.int64)
    return np.where(table["channel"] == "walk_in", 0, lead)


def _add_prices(rng: np.random.Generator, table: pd.DataFrame, reference: Reference) -> None:
    """Cents near the list price for completed visits and half of those stopped, else 0."""
    count = len(table)
    listed = np.array([service.prices[-1].list_price_cents for service in reference.services])
    less = rng.choice([0, 10, 15, 20], count, p=(0.72, 0.15, 0.08, 0.05))
    price = listed[table["service"]] * (100 - less) // 100
    charged = table["completed"] | ((table["status"] == 1) & (rng.random(count) < 0.5))
    package = (rng.random(table["patient"].max() + 1) < 0.18)[table["patient"]]
    table["packaged"] = package & (table["kind"] == "induction")
    in_package = listed[table["service"]] * 9 // 10
    table["price"] = np.where(charged, np.where(table["packaged"], in_package, price), 0)


def numbered(prefix: str, numbers: npt.ArrayLike) -> Texts:
    """Identifiers like B0000001."""
    return np.char.add(prefix, np.char.zfill(np.asarray(numbers).astype(str), 7))
