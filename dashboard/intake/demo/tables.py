"""The tables of the demo delivery, made from its visits."""

from __future__ import annotations

import datetime as dt

import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard.intake.demo.circumstances import Texts, numbered
from dashboard.intake.demo.days import Days
from dashboard.intake.demo.status import STATUSES
from dashboard.intake.demo.visits import INDUCTION

NAUSEA_FROM = dt.date(2026, 8, 3)
NAUSEA_SITE = "dallas"
NAUSEA_FACTOR = 2.2

#: Chance of a side effect at one completed infusion: ketamine, then the other lines.
_EFFECT_RATES = {
    "dizziness": (0.100, 0.005),
    "nausea": (0.045, 0.004),
    "confusion": (0.060, 0.0003),
    "increased_blood_pressure": (0.070, 0.001),
    "increased_heart_rate": (0.035, 0.001),
    "blurred_vision": (0.045, 0.0003),
    "short_term_memory_loss": (0.010, 0.0001),
    "dissociation": (0.065, 0.0),
    "drowsiness": (0.110, 0.001),
    "headache": (0.030, 0.004),
    "injection site pain": (0.006, 0.012),
}


def bookings_table(table: pd.DataFrame, days: Days) -> pd.DataFrame:
    """bookings.csv as a clinic's system would export it."""
    day, start = table["day"].to_numpy(), table["start"].to_numpy()
    status = table["status"].to_numpy()
    cancelled = (status == 3) | (status == 4)
    # Whoever is booked ahead had booked by the evening of the snapshot.
    lead = np.maximum(table["lead"].to_numpy(), day - days.last)
    lead = np.where(cancelled, np.maximum(lead, 5 - status), lead)
    clock = np.where(lead == 0, start - 15, 540 + start % 480)
    booked = (day - lead) * 1440 + clock
    notice = 60 * np.where(status == 4, 2 + start % 20, 30 + start % 24)
    cancelled_at = np.minimum(day * 1440 + start - notice, days.last * 1440 + 18 * 60)
    cancelled_at = np.maximum(cancelled_at, booked + 30)
    birth = np.datetime64(days.first) + table["born"].to_numpy().astype("timedelta64[D]")
    return pd.DataFrame(
        {
            "booking_id": table["booking_id"],
            "patient_id": table["patient_id"],
            "site": table["site_key"],
            "service": table["service_key"],
            "starts_at": _moments(days, day, start),
            "status": STATUSES[status],
            "booked_at": _moments(days, 0, booked),
            "ends_at": _moments(days, day, start + table["spent"].to_numpy()),
            "cancelled_at": np.where(cancelled, _moments(days, 0, cancelled_at), ""),
            "birth_date": np.where(table["no_birth"], "", np.datetime_as_string(birth)),
            "sex": table["sex"],
            "indication": table["indication"],
            "provider": table["provider"],
            "supervision": table["supervision"],
            "mental_health_provider": table["answer"],
            "channel": table["channel"],
            "chair_minutes": np.where(table["attended"], table["spent"].astype(str), ""),
            "price": np.where(table["price"] > 0, _dollars(table["price"]), ""),
            "side_effects_assessed": np.where(table["completed"], np.where(table["assessed"], "yes", "no"), ""),
            "dose_mg": table["dose"],
        }
    )


def side_effects_table(rng: np.random.Generator, table: pd.DataFrame, days: Days) -> pd.DataFrame:
    """side_effects.csv: what was reported at attended visits."""
    visited = np.flatnonzero(table["attended"])
    ketamine = table["is_ketamine"].to_numpy()[visited]
    first = (table["kind"].to_numpy() == "induction") & (table["nth"].to_numpy() == 0)
    # The first infusion is the hardest; the factors average out to one.
    novelty = np.where(ketamine, np.where(first[visited], 1.35, 0.94), 1.0)
    planted = _planted_nausea(table, days)[visited]
    terms = list(_EFFECT_RATES)
    parts = []
    for number, (of_ketamine, of_drips) in enumerate(_EFFECT_RATES.values()):
        rate = np.where(ketamine, of_ketamine, of_drips) * novelty
        if terms[number] == "nausea":
            rate = np.where(planted, rate * NAUSEA_FACTOR, rate)
        hit = visited[rng.random(len(visited)) < rate]
        parts.append(pd.DataFrame({"row": hit, "effect": terms[number]}))
    events = pd.concat(parts, ignore_index=True)
    events = events.sort_values("row", kind="stable", ignore_index=True)
    return _with_respiratory_failure(_describe_events(rng, events, table, days), table, days)


def _planted_nausea(table: pd.DataFrame, days: Days) -> npt.NDArray[np.bool_]:
    planted = table["is_ketamine"] & (table["site_key"] == NAUSEA_SITE)
    return (planted & (table["day"] >= (NAUSEA_FROM - days.first).days)).to_numpy()


def _describe_events(rng: np.random.Generator, events: pd.DataFrame, table: pd.DataFrame, days: Days) -> pd.DataFrame:
    count = len(events)
    at = table.iloc[events["row"]]
    onset = np.minimum(rng.gamma(3.0, 11.0, count), at["spent"].to_numpy() + 60).astype(np.int64)
    lasts = 5 + rng.gamma(1.5, 35.0, count).astype(np.int64)
    grade = rng.choice(4, count, p=(0.74, 0.205, 0.03, 0.025))
    ongoing = rng.random(count) < 0.02
    pressure = (events["effect"] == "increased_blood_pressure").to_numpy()
    transfer = pressure & (grade == 2) & (rng.random(count) < 0.03)
    outcome = np.where(transfer, "emergency transfer", np.where(ongoing, "ongoing", "resolved"))
    start = at["start"].to_numpy() + onset
    resolved = _moments(days, at["day"], start + lasts)
    action = np.array(["", "observed", "medication", "infusion slowed"])
    return pd.DataFrame(
        {
            "event_id": numbered("E", np.arange(1, count + 1)),
            "booking_id": at["booking_id"].to_numpy(),
            "effect": events["effect"],
            "severity": np.array(["mild", "moderate", "severe", ""])[grade],
            "serious": np.where(transfer, "yes", ""),
            "related": rng.choice(["probable", "possible", "unlikely"], count, p=(0.6, 0.33, 0.07)),
            "onset_at": _moments(days, at["day"], start),
            "resolved_at": np.where(ongoing | transfer, "", resolved),
            "outcome": outcome,
            "action": action[np.where(grade == 2, 2, rng.choice(4, count, p=(0.3, 0.5, 0.1, 0.1)))],
        }
    )


def _with_respiratory_failure(events: pd.DataFrame, table: pd.DataFrame, days: Days) -> pd.DataFrame:
    """Add the one respiratory failure: at the first site's infusion in the middle of the history."""
    infusions = np.flatnonzero(table["is_ketamine"] & table["completed"] & (table["site"] == 0))
    if not len(infusions):
        return events
    visit = table.iloc[infusions[len(infusions) // 2]]
    event = {
        "event_id": str(numbered("E", [len(events) + 1])[0]),
        "booking_id": visit["booking_id"],
        "effect": "respiratory_failure",
        "severity": "life_threatening",
        "serious": "yes",
        "related": "probable",
        "onset_at": str(_moments(days, [visit["day"]], [visit["start"] + 35])[0]),
        "resolved_at": "",
        "outcome": "emergency transfer",
        "action": "infusion stopped",
    }
    return pd.concat([events, pd.DataFrame([event])], ignore_index=True)


def payments_table(rng: np.random.Generator, table: pd.DataFrame, days: Days) -> pd.DataFrame:
    """payments.csv: most visits are paid at once, some by package, few not at all."""
    settled = table["packaged"] | (rng.random(len(table)) < 0.97)
    visits = table[(table["price"] > 0) & settled]
    late = np.where(rng.random(len(visits)) < 0.04, rng.integers(1, 25, len(visits)), 0)
    paid = pd.DataFrame(
        {
            "patient_id": visits["patient_id"].to_numpy(),
            "booking_id": visits["booking_id"].to_numpy(),
            "day": visits["day"].to_numpy() + late,
            "minute": visits["start"].to_numpy() + visits["spent"].to_numpy() + 5,
            "kind": np.where(visits["packaged"], "package_redemption", "payment"),
            "cents": visits["price"].to_numpy(),
        }
    )
    redeemed = (paid["kind"] == "package_redemption").to_numpy()
    paid.loc[redeemed, "day"] = visits["day"].to_numpy()[redeemed]
    money = paid[~redeemed]
    returned = money[rng.random(len(money)) < 0.008].copy()
    returned["kind"] = "refund"
    returned["day"] += rng.integers(1, 21, len(returned))
    half = rng.random(len(returned)) < 0.4
    returned["cents"] = np.where(half, returned["cents"] // 2, returned["cents"])
    rows = pd.concat([paid, returned, *_packages(rng, table)], ignore_index=True)
    rows = rows[rows["day"] <= days.last]
    rows = rows.sort_values(["day", "minute"], kind="stable", ignore_index=True)
    methods = rng.choice(["card", "hsa", "cash", "financing"], len(rows), p=(0.7, 0.14, 0.08, 0.08))
    method = np.where(rows["kind"].isin(["payment", "refund", "package_sale"]), methods, "")
    return pd.DataFrame(
        {
            "payment_id": numbered("M", np.arange(1, len(rows) + 1)),
            "patient_id": rows["patient_id"],
            "paid_at": _moments(days, rows["day"], rows["minute"]),
            "kind": rows["kind"],
            "amount": _dollars(rows["cents"]),
            "booking_id": rows["booking_id"],
            "method": method,
        }
    )


def _packages(rng: np.random.Generator, table: pd.DataFrame) -> list[pd.DataFrame]:
    """Packages of six, sold at the first infusion; what is left over is refunded or expires."""
    used = table[table["packaged"] & (table["price"] > 0)]
    groups = used.groupby("patient_id", sort=True)
    first = used.loc[groups["day"].idxmin()].sort_values("patient_id")
    price = first["price"].to_numpy()
    sale = pd.DataFrame(
        {
            "patient_id": first["patient_id"].to_numpy(),
            "booking_id": "",
            "day": first["day"].to_numpy(),
            "minute": first["start"].to_numpy() - 10,
            "kind": "package_sale",
            "cents": price * INDUCTION,
        }
    )
    left = INDUCTION - groups.size().to_numpy()
    over = sale[left > 0].copy()
    over["cents"] = (price * left)[left > 0]
    back = rng.random(len(over)) < 0.5
    last = groups["day"].max().to_numpy()[left > 0]
    over["kind"] = np.where(back, "refund", "package_expiry")
    over["day"] = last + np.where(back, rng.integers(10, 60, len(over)), 180)
    return [sale, over]


def scores_table(rng: np.random.Generator, table: pd.DataFrame, days: Days) -> pd.DataFrame:
    """scores.csv: PHQ-9 and GAD-7 before, during and after induction; about half improve."""
    mood = table["is_ketamine"] & table["attended"] & (table["kind"] == "induction")
    mood &= table["reason"].isin(["depression", "anxiety", "ptsd"])
    ordered = table[mood].sort_values(["patient", "day"], kind="stable")
    bounds = ordered.groupby("patient_id", sort=True)["day"].agg(["min", "max"])
    bounds = bounds[rng.random(len(bounds)) < 0.62]
    parts = []
    for instrument, most, share in (("PHQ-9", 27, 1.0), ("GAD-7", 21, 0.55)):
        chosen = bounds[rng.random(len(bounds)) < share]
        parts.append(_course(rng, chosen, instrument, most))
    rows = pd.concat(parts, ignore_index=True)
    rows = rows[rows["day"] <= days.last]
    rows = rows.sort_values(["day", "patient_id", "instrument"], kind="stable", ignore_index=True)
    return pd.DataFrame(
        {
            "score_id": numbered("S", np.arange(1, len(rows) + 1)),
            "patient_id": rows["patient_id"],
            "instrument": rows["instrument"],
            "taken_at": _moments(days, rows["day"], rows["minute"]),
            "score": rows["score"],
        }
    )


def _course(rng: np.random.Generator, bounds: pd.DataFrame, instrument: str, most: int) -> pd.DataFrame:
    """The scores of one questionnaire: before the first infusion, a day, a week, two and after."""
    count = len(bounds)
    first, last = bounds["min"].to_numpy(), bounds["max"].to_numpy()
    baseline = np.clip(rng.normal(0.62 * most, 0.15 * most, count), 0.3 * most, most)
    fate = rng.random(count)
    end = np.select(
        [fate < 0.57, fate < 0.91],
        [baseline * rng.uniform(0.05, 0.48, count), baseline * rng.uniform(0.52, 1.05, count)],
        baseline + rng.uniform(5, 8, count),
    )
    points = (
        (first - rng.integers(0, 11, count), 0.0, 1.0),
        (first + 1, 0.8, 0.8),
        (first + 7, 0.85, 0.85),
        (first + 14, 0.9, 0.8),
        (last + rng.integers(14, 31, count), 1.0, 0.75),
    )
    parts = []
    for day, progress, share in points:
        score = baseline + (end - baseline) * progress + rng.normal(0, 0.8, count) * (progress > 0)
        given = rng.random(count) < share
        parts.append(
            pd.DataFrame(
                {
                    "patient_id": bounds.index[given],
                    "instrument": instrument,
                    "day": day[given],
                    "minute": rng.integers(7 * 60, 8 * 60, count)[given],
                    "score": np.clip(np.round(score), 0, most).astype(np.int64)[given],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _moments(days: Days, day: npt.ArrayLike, minutes: npt.ArrayLike) -> Texts:
    """Local times as text, like 2026-10-30 09:15."""
    stamps = np.datetime64(days.first, "m") + (
        np.asarray(day, np.int64) * 1440 + np.asarray(minutes, np.int64)
    ).astype("timedelta64[m]")
    return np.char.replace(np.datetime_as_string(stamps, unit="m"), "T", " ")


def _dollars(cents: npt.ArrayLike) -> Texts:
    cents = np.asarray(cents, np.int64)
    whole = np.char.add((cents // 100).astype(str), ".")
    dollars: Texts = np.char.add(whole, np.char.zfill((cents % 100).astype(str), 2))
    return dollars
