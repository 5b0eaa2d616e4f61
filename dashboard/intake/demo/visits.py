"""The visits of the demo delivery: who comes when, where and for what."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dashboard.intake.demo.circumstances import describe
from dashboard.intake.demo.days import Days, Floats, Ints, open_minutes
from dashboard.intake.demo.patients import Patients, draw_patients
from dashboard.intake.demo.status import attends
from dashboard.intake.reference import Reference

INDUCTION = 6
_SLOTS = 12


def draw_visits(rng: np.random.Generator, reference: Reference, days: Days, bookings: int) -> pd.DataFrame:
    """Exactly `bookings` visits, sorted by start: one row a visit with all that is known of it.

    Days are numbers from `days.first`, times of day minutes after midnight, money cents.
    """
    count = bookings // 5 + 50
    while True:
        patients = draw_patients(rng, reference, days, count)
        visits = pd.concat([_ketamine(rng, patients), _drips(rng, patients)], ignore_index=True)
        visits["site"] = patients.site[visits["patient"]]
        visits = _place(rng, visits, reference, days)
        if len(visits) >= bookings:
            break
        count = int(count * max(1.05, 1.03 * bookings / len(visits)))
    kept = np.sort(visits.sort_values("patient", kind="stable").index[:bookings])
    visits = visits.loc[kept]
    return describe(rng, visits.reset_index(drop=True), patients, reference, days)


def _ketamine(rng: np.random.Generator, patients: Patients) -> pd.DataFrame:
    """Induction until six infusions are reached, or given up before, then boosters."""
    who = np.flatnonzero(patients.ketamine)
    target = np.where(rng.random(len(who)) < 0.8, INDUCTION, rng.integers(1, 6, len(who)))
    status = attends(rng, (len(who), _SLOTS))
    attended = status <= 1
    before: Ints = np.cumsum(attended, axis=1) - attended
    slots = before < target[:, None]
    gaps = rng.integers(2, 6, slots.shape)
    gaps[:, 0] = 0
    gaps[:, 1:][~attended[:, :-1]] = rng.integers(1, 4, int((~attended[:, :-1]).sum()))
    day = patients.ketamine_start[who][:, None] + np.cumsum(gaps, axis=1)
    end = day[np.arange(len(who)), slots.sum(axis=1) - 1]
    rows, columns = np.nonzero(slots)
    induction = pd.DataFrame(
        {
            "patient": who[rows],
            "day": day[rows, columns],
            "status": status[rows, columns],
            "kind": "induction",
            "nth": before[rows, columns],
        }
    )
    goes_on = (target == INDUCTION) & (rng.random(len(who)) < 0.6)
    boosters = _series(rng, who[goes_on], end[goes_on], 0.16, (21, 43), "booster")
    boosters["day"] += rng.integers(14, 30, len(goes_on[goes_on]))[boosters.pop("owner")]
    boosters["nth"] = INDUCTION
    return pd.concat([induction, boosters], ignore_index=True)


def _series(
    rng: np.random.Generator,
    who: Ints,
    start: Ints,
    stop: float,
    gap: tuple[int, int],
    kind: str,
) -> pd.DataFrame:
    """Repeated visits that end with chance `stop` after each."""
    length = np.minimum(rng.geometric(stop, len(who)), 30)
    owner = np.repeat(np.arange(len(who)), length)
    gaps = rng.integers(*gap, len(owner))
    firsts = np.cumsum(length) - length
    gaps[firsts] = 0
    total = np.cumsum(gaps)
    day = start[owner] + total - total[firsts][owner]
    return pd.DataFrame(
        {
            "patient": who[owner],
            "day": day,
            "status": attends(rng, len(owner)),
            "kind": kind,
            "nth": 0,
            "owner": owner,
        }
    )


def _drips(rng: np.random.Generator, patients: Patients) -> pd.DataFrame:
    who = np.flatnonzero(patients.drips)
    series = _series(rng, who, patients.drips_start[who], 0.3, (14, 50), "drip")
    return series.drop(columns="owner")


def _place(rng: np.random.Generator, visits: pd.DataFrame, reference: Reference, days: Days) -> pd.DataFrame:
    """Give every visit a service, an open day near the wanted one, and drop what is out of time.

    Visits ahead of the snapshot are thinned out: the further off, the fewer are booked yet.
    """
    visits = visits[visits["day"] < days.end - 3].reset_index(drop=True)
    visits["service"] = _services(rng, visits, reference)
    options = np.clip(visits["day"].to_numpy()[:, None] + np.arange(-1, 3), 0, days.end - 1)
    visits["day"] = _pick(rng, options, days.weights[visits["site"].to_numpy()[:, None], options])
    visits["minutes"] = np.array([service.prices[-1].minutes for service in reference.services])[visits["service"]]
    _relieve(rng, visits, reference, days)
    ahead = visits["day"].to_numpy() - days.last
    kept = rng.random(len(visits)) < np.exp(-np.maximum(ahead - 2, 0) / 13)
    placed: pd.DataFrame = visits[kept]
    return placed.sort_values(["day", "site", "patient"], kind="stable", ignore_index=True)


def _pick(rng: np.random.Generator, options: Ints, weights: Floats) -> Ints:
    """One option a row, by weight."""
    sums = np.cumsum(weights, axis=1)
    draw = rng.random(len(options)) * sums[:, -1]
    chosen: Ints = options[np.arange(len(options)), (draw[:, None] >= sums).sum(axis=1)]
    return chosen


def _services(rng: np.random.Generator, visits: pd.DataFrame, reference: Reference) -> Ints:
    index = {service.service: n for n, service in enumerate(reference.services)}
    drips = np.array(
        [index[name] for name in ("vitamin-myers", "vitamin-c", "vitamin-nad")]
        + [index[name] for name in ("hydration-basic", "hydration-recovery")]
    )
    drawn = drips[rng.choice(5, len(visits), p=(0.28, 0.12, 0.18, 0.24, 0.18))]
    kind = visits["kind"].to_numpy()
    ketamine = np.where(kind == "induction", index["ketamine-infusion"], index["ketamine-booster"])
    services: Ints = np.where(kind == "drip", drawn, ketamine)
    return services


def _relieve(rng: np.random.Generator, visits: pd.DataFrame, reference: Reference, days: Days) -> None:
    """Move visits from overfull days to the next open ones, where the clinics have room at all."""
    chairs = np.array([site.hours[-1].chairs * open_minutes(site) for site in reference.sites])
    room = 0.9 * chairs[:, None] * (days.weights > 0)
    place = visits["site"].to_numpy() * days.end
    minutes = visits["minutes"].to_numpy() * (visits["status"].to_numpy() <= 2)
    if minutes.sum() > 0.8 * room.sum():
        return
    next_open = _next_open(days)
    order = rng.permutation(len(visits))
    for _ in range(12):
        day = visits["day"].to_numpy()
        cell = place + day
        sequence = order[np.argsort(cell[order], kind="stable")]
        load = np.cumsum(minutes[sequence])
        new_cell = np.diff(cell[sequence], prepend=-1) != 0
        base = (load - minutes[sequence])[new_cell]
        within = load - base[np.cumsum(new_cell) - 1]
        over = sequence[within > room.ravel()[cell[sequence]]]
        over = over[minutes[over] > 0]
        if not len(over):
            return
        moved = day.copy()
        moved[over] = next_open[visits["site"].to_numpy()[over], day[over]]
        visits["day"] = moved


def _next_open(days: Days) -> Ints:
    """Site × day: the next day on which the site is open; the last one stays."""
    found = np.zeros(days.weights.shape, np.int64)
    for site, weights in enumerate(days.weights):
        following = days.end - 1
        for day in range(days.end - 1, -1, -1):
            found[site, day] = following
            if weights[day] > 0:
                following = day
    return found
