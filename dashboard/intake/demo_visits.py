"""The visits of the demo delivery: who comes when, where and for what, and what becomes of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard.intake.reference import WEEKDAYS, Reference, Site

SNAPSHOT = dt.date(2026, 10, 30)
NO_SHOWS_FROM = dt.date(2026, 7, 6)
NO_SHOWS_SITE = "miami_beach"
NO_SHOWS_RATE = 0.16
INDUCTION = 6
#: In the order of the numbers in the column `status`.
STATUSES = np.array(["completed", "arrived", "no_show", "cancelled", "late_cancelled", "booked"])

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Texts = npt.NDArray[np.str_]

_DAYS_AHEAD = 28
_SITE_SHARES = {"chicago": 0.39, "dallas": 0.245, "miami_beach": 0.365}
_WEEKDAY_WEIGHTS = (1.05, 1.0, 1.0, 1.05, 0.95, 0.6, 0.45)
_HOUR_WEIGHTS = (0.9, 1.05, 1.1, 1.0, 0.92, 1.0, 1.05, 0.98, 0.9, 0.8)
_SLOTS = 12
_NO_SHOW, _CANCELLED, _LATE, _STOPPED = 0.07, 0.08, 0.03, 0.006
#: How much volume of each line a month has, January first.
_SEASONS = {
    "ketamine": (1.08, 1.05, 1.02, 1.0, 0.98, 0.96, 0.94, 0.95, 1.0, 1.02, 1.02, 0.98),
    "vitamin": (1.15, 1.1, 1.0, 0.95, 0.95, 0.95, 0.92, 0.92, 0.98, 1.02, 1.05, 1.0),
    "hydration": (0.85, 0.88, 0.95, 1.0, 1.08, 1.15, 1.2, 1.18, 1.05, 0.95, 0.85, 0.9),
}


@dataclass(frozen=True)
class Days:
    """The days of the history and of the time ahead, as numbers from the first one.

    Attributes:
        first: the date of day 0.
        last: number of the last full day.
        end: number of days in all.
        weights: site × day, 0 where closed.
    """

    first: dt.date
    last: int
    end: int
    weights: Floats


@dataclass(frozen=True)
class _Patients:
    """One entry a patient; `start` is the day of the first booking of each of the two kinds."""

    site: Ints
    ketamine: Flags
    drips: Flags
    ketamine_start: Ints
    drips_start: Ints
    hydration: Flags

    def __len__(self) -> int:
        return len(self.site)


def history(reference: Reference, years: int) -> Days:
    """The days of the demo: `years` up to the snapshot's date, and those booked ahead."""
    first = SNAPSHOT.replace(year=SNAPSHOT.year - years) + dt.timedelta(days=1)
    last = (SNAPSHOT - first).days
    end = last + 1 + _DAYS_AHEAD
    dates = [first + dt.timedelta(days=n) for n in range(end)]
    weekday = np.array([date.weekday() for date in dates])
    closed = np.array([_is_holiday(date) for date in dates])
    weights = np.zeros((len(reference.sites), end))
    for number, site in enumerate(reference.sites):
        open_days = np.array([name in site.open_days.split() for name in WEEKDAYS])
        weights[number] = np.where(open_days[weekday] & ~closed, np.array(_WEEKDAY_WEIGHTS)[weekday], 0.0)
    return Days(first, last, end, weights)


def _is_holiday(date: dt.date) -> bool:
    """New Year, Memorial Day, Independence Day, Labor Day, Thanksgiving, Christmas."""
    if (date.month, date.day) in ((1, 1), (7, 4), (12, 25)):
        return True
    week = (date.day - 1) // 7
    last_monday = date.month == 5 and date.weekday() == 0 and date.day > 24
    first_monday = date.month == 9 and date.weekday() == 0 and week == 0
    thanksgiving = date.month == 11 and date.weekday() == 3 and week == 3
    return last_monday or first_monday or thanksgiving


def draw_visits(rng: np.random.Generator, reference: Reference, days: Days, bookings: int) -> pd.DataFrame:
    """Exactly `bookings` visits, sorted by start: one row a visit with all that is known of it.

    Days are numbers from `days.first`, times of day minutes after midnight, money cents.
    """
    count = bookings // 5 + 50
    while True:
        patients = _draw_patients(rng, reference, days, count)
        visits = pd.concat([_ketamine(rng, patients), _drips(rng, patients)], ignore_index=True)
        visits["site"] = patients.site[visits["patient"]]
        visits = _place(rng, visits, reference, days)
        if len(visits) >= bookings:
            break
        count = int(count * max(1.05, 1.03 * bookings / len(visits)))
    kept = np.sort(visits.sort_values("patient", kind="stable").index[:bookings])
    visits = visits.loc[kept]
    return _describe(rng, visits.reset_index(drop=True), patients, reference, days)


def _draw_patients(rng: np.random.Generator, reference: Reference, days: Days, count: int) -> _Patients:
    names = [site.site for site in reference.sites]
    shares = np.array([_SITE_SHARES.get(name, 0.3) for name in names])
    site = rng.choice(len(names), count, p=shares / shares.sum())
    kind = rng.random(count)
    ketamine = kind < 0.42
    drips = (kind >= 0.42) | (kind < 0.06)
    hydration = rng.random(count) < 0.42
    ketamine_start = _arrivals(rng, days, "ketamine", count)
    alone = np.where(hydration, _arrivals(rng, days, "hydration", count), _arrivals(rng, days, "vitamin", count))
    # Who comes for both takes up the drips some weeks into the ketamine.
    drips_start = np.where(ketamine & drips, ketamine_start + rng.integers(7, 90, count), alone)
    return _Patients(site, ketamine, drips, ketamine_start, drips_start, hydration)


def _arrivals(rng: np.random.Generator, days: Days, line: str, count: int) -> Ints:
    """Days on which new patients come: more at the start, when the doors open, then steady."""
    number = np.arange(days.end)
    month = np.array([(days.first + dt.timedelta(days=int(n))).month for n in number])
    weight = np.array(_SEASONS[line])[month - 1] * (1.0 + 0.9 * np.exp(-number / 120))
    return rng.choice(days.end, count, p=weight / weight.sum())


def _attends(rng: np.random.Generator, size: int | tuple[int, int]) -> npt.NDArray[np.int8]:
    """0 completed, 1 arrived, 2 no-show, 3 cancelled, 4 late-cancelled."""
    draw, other = rng.random(size), rng.random(size)
    status = np.where(other < _NO_SHOW, 2, np.where(other > 1 - _STOPPED, 1, 0))
    status = np.where(draw < _CANCELLED, 3, np.where(draw < _CANCELLED + _LATE, 4, status))
    return status.astype(np.int8)


def _ketamine(rng: np.random.Generator, patients: _Patients) -> pd.DataFrame:
    """Induction until six infusions are reached, or given up before, then boosters."""
    who = np.flatnonzero(patients.ketamine)
    target = np.where(rng.random(len(who)) < 0.8, INDUCTION, rng.integers(1, 6, len(who)))
    status = _attends(rng, (len(who), _SLOTS))
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
            "status": _attends(rng, len(owner)),
            "kind": kind,
            "nth": 0,
            "owner": owner,
        }
    )


def _drips(rng: np.random.Generator, patients: _Patients) -> pd.DataFrame:
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
    visits["minutes"] = np.array([service.minutes for service in reference.services])[visits["service"]]
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
    chairs = np.array([site.chairs * _open_minutes(site) for site in reference.sites])
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


def _open_minutes(site: Site) -> int:
    hours = site.closes.hour - site.opens.hour
    return hours * 60 + site.closes.minute - site.opens.minute


def _describe(
    rng: np.random.Generator,
    visits: pd.DataFrame,
    patients: _Patients,
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
    _settle_status(rng, table, days)
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
    opens = np.array([site.opens.hour * 60 + site.opens.minute for site in reference.sites])
    room = np.array([_open_minutes(site) for site in reference.sites])[table["site"]]
    room = room - table["minutes"].to_numpy()
    profile = np.concatenate([[0.0], np.cumsum(_HOUR_WEIGHTS)]) / np.sum(_HOUR_WEIGHTS)
    at = np.interp(share, profile, np.linspace(0, 1, len(profile))) * (room + 14)
    start: Ints = opens[table["site"]] + np.minimum(at // 15 * 15, room // 15 * 15).astype(np.int64)
    return start


def _settle_status(rng: np.random.Generator, table: pd.DataFrame, days: Days) -> None:
    """Plant the no-shows; what lies ahead is booked, unless it was cancelled already."""
    status = table["status"].to_numpy().copy()
    day = table["day"].to_numpy()
    monday = (day + days.first.weekday()) % 7 == 0
    planted = monday & (table["site_key"] == NO_SHOWS_SITE).to_numpy()
    planted &= day >= (NO_SHOWS_FROM - days.first).days
    excess = (NO_SHOWS_RATE - _NO_SHOW) / (1 - _NO_SHOW)
    status[planted & (status <= 1) & (rng.random(len(table)) < excess)] = 2
    ahead = day > days.last
    cancelled = status == 3
    status[ahead] = np.where(cancelled & (rng.random(len(table)) < 0.5), 3, 5)[ahead]
    table["status"] = status
    table["attended"] = status <= 1
    table["completed"] = status == 0


def _add_minutes(rng: np.random.Generator, table: pd.DataFrame) -> None:
    planned = table["minutes"].to_numpy()
    real = np.maximum(np.round(planned * rng.normal(1.06, 0.07, len(table)) / 5) * 5, 10)
    stopped = np.maximum(np.round(planned * rng.uniform(0.2, 0.6, len(table)) / 5) * 5, 5)
    spent = np.where(table["status"] == 1, stopped, real).astype(np.int64)
    table["spent"] = np.where(table["attended"], spent, planned)


def _add_people(rng: np.random.Generator, table: pd.DataFrame, patients: _Patients) -> None:
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
    listed = np.array([service.list_price_cents for service in reference.services])
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
