"""Writes a demo delivery: made-up bookings of three clinics, the same bytes for the same seed."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from dashboard import folders
from dashboard.intake.contract import BOOKINGS, PAYMENTS, SCORES, SIDE_EFFECTS, DeliveryError, Table
from dashboard.intake.delivery import is_demo
from dashboard.intake.demo.days import SNAPSHOT, history
from dashboard.intake.demo.fhir import write_resources
from dashboard.intake.demo.tables import (
    bookings_table,
    payments_table,
    scores_table,
    side_effects_table,
)
from dashboard.intake.demo.visits import draw_visits
from dashboard.intake.demo_sites import with_sites, write_sites
from dashboard.intake.reference import load_reference
from dashboard.settings import REFERENCE

#: One whose draws hold no difference between sites beyond chance but the two planted ones.
SEED = 2
Progress = Callable[[str, float], None]

#: Faulty lines by file: after which share of the rows they stand, and their text. A row with
#: {} is the one before it with the given columns replaced.
_FAULTY: dict[str, dict[float, str | dict[str, str]]] = {
    "bookings": {
        0.05: {"booking_id": "F0000001", "starts_at": "2026-02-30 09:00"},
        0.10: {"booking_id": "F0000002", "site": "boston"},
        0.15: {},
        0.20: "F0000004,P0000001,chicago,vitamin-c",
        0.25: {"booking_id": "F0000005", "birth_date": "2031-01-01"},
        0.30: {"booking_id": "F0000006", "status": "maybe"},
        0.35: {"booking_id": ""},
        0.40: {"booking_id": "F0000008", "price": "$475.00"},
    },
    "side_effects": {
        0.3: {"event_id": "F0000009", "booking_id": "B9999999"},
        0.6: {"event_id": "F0000010", "severity": "awful"},
    },
    "payments": {0.5: {"payment_id": "F0000011", "amount": "475.005"}},
    "scores": {0.5: {"score_id": "F0000012", "score": "99"}},
}


def write_delivery(
    directory: Path,
    years: int = 2,
    bookings: int = 60_000,
    seed: int = SEED,
    progress: Progress | None = None,
    *,
    fhir: bool = False,
    sites: int | None = None,
) -> None:
    """Write bookings.csv, side_effects.csv, payments.csv, scores.csv and delivery.json.

    Args:
        directory: made if need be; of a demo delivery that lies there files of the same names are replaced.
        years: length of the history up to the snapshot's date.
        bookings: sound bookings in all; a dozen faulty rows come on top.
        seed: decides everything.
        progress: called with what is done now and the share that is done, 0 to 1.
        sites: of so many sites, up to `demo_sites.MOST`; the folder `reference` in it then holds their sites.csv.
            Unless given, of the three that the product comes with.
        fhir: write the same as FHIR resources, an NDJSON file a type, without the faulty rows.

    Raises:
        DeliveryError: the folder cannot be written, or holds something else.
    """
    _require_room(directory)
    tell: Progress = progress or (lambda _step, _share: None)
    reference = load_reference(REFERENCE)
    if sites:
        reference = with_sites(reference, sites)
    days = history(reference, years)
    tell("drawing patients and visits", 0.0)
    table = draw_visits(np.random.default_rng([seed, 1]), reference, days, bookings)
    tell("drawing side effects, payments and scores", 0.3)
    effects = side_effects_table(np.random.default_rng([seed, 2]), table, days)
    table["assessed"] |= table["booking_id"].isin(effects["booking_id"])
    payments = payments_table(np.random.default_rng([seed, 3]), table, days)
    scores = scores_table(np.random.default_rng([seed, 4]), table, days)
    frames: list[tuple[Table, pd.DataFrame]] = [
        (BOOKINGS, bookings_table(table, days)),
        (SIDE_EFFECTS, effects),
        (PAYMENTS, payments),
        (SCORES, scores),
    ]
    try:
        folders.make(directory)
        # First, so that a folder in which this was interrupted is known as what it is.
        about = {"demo": True, "snapshot": str(SNAPSHOT), "years": years, "seed": seed}
        with open(directory / "delivery.json", "w", encoding="utf-8", opener=folders.opened) as file:
            file.write(json.dumps(about) + "\n")
        if sites:
            write_sites(directory / "reference", reference)
        if fhir:
            tell("writing resources", 0.5)
            write_resources(directory, {contract.name: frame for contract, frame in frames}, reference)
        for number, (contract, frame) in enumerate([] if fhir else frames):
            tell(f"writing {contract.name}.csv", 0.5 + 0.125 * number)
            _write(directory / f"{contract.name}.csv", frame, _FAULTY.get(contract.name, {}))
    except OSError as error:
        raise DeliveryError(f"{directory} cannot be written ({error.strerror})") from error
    tell("written", 1.0)


def _require_room(directory: Path) -> None:
    """A clinic's own delivery is never written over."""
    try:
        holds = directory.is_dir() and any(not path.name.startswith(".") for path in directory.iterdir())
    except OSError as error:
        raise DeliveryError(f"{directory} cannot be read ({error.strerror})") from error
    if holds and not is_demo(directory):
        raise DeliveryError(
            f"{directory} holds files that are no demo delivery; choose an empty folder, or a new one"
        )


def _write(path: Path, frame: pd.DataFrame, faulty: dict[float, str | dict[str, str]]) -> None:
    """Write the file with its faulty lines in their places."""
    places = {int(share * len(frame)): fault for share, fault in faulty.items()}
    bounds = [0, *sorted(places), len(frame)]
    with open(path, "w", encoding="utf-8", newline="", opener=folders.opened) as file:
        for number, (first, last) in enumerate(itertools.pairwise(bounds)):
            rows = frame.iloc[first:last]
            rows.to_csv(file, index=False, header=number == 0, lineterminator="\n")
            fault = places.get(last)
            if isinstance(fault, str):
                file.write(fault + "\n")
            elif fault is not None:
                wrong = frame.iloc[[last - 1]].astype(object).assign(**fault)
                wrong.to_csv(file, index=False, header=False, lineterminator="\n")
