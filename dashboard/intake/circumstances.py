"""What decides besides a delivery's files what comes of it: once that is mended, a refused delivery is tried anew."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path

from dashboard.intake import pointer
from dashboard.intake.contract import DEFINITIONS_VERSION, SCHEMA_VERSION, DeliveryError
from dashboard.intake.keys import FILE_NAME, check_of, patient_key
from dashboard.intake.publish import Rules
from dashboard.intake.reference import load_reference


def digest_of(data: Path, rules: Rules, reference: Path | None, mapping: Path | None, *, add: bool) -> str:
    """A digest of mapping, reference tables, settings, versions, of what is wrong with the patient key, and of the
    extract in use where deliveries are added to it. What can't be read counts as what is told of it.
    """
    told = [SCHEMA_VERSION, DEFINITIONS_VERSION, rules.drop_share, rules.accept_drop]
    told += [_content(mapping), _reference(reference), _key(data, rules, add=add), _in_use(data) if add else ""]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _content(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        return str(error)


def _reference(folder: Path | None) -> str:
    try:
        return load_reference(folder).sha256
    except DeliveryError as error:
        return str(error)


def _key(data: Path, rules: Rules, *, add: bool) -> str:
    """What is wrong with the patient key, and which it is where that decides; one that isn't there yet isn't made."""
    set_elsewhere = rules.patient_key or rules.patient_key_file
    if not set_elsewhere and not (data / "state" / FILE_NAME).exists():
        return ""
    try:
        key = patient_key(data / "state", rules.patient_key, rules.patient_key_file)
    except DeliveryError as error:
        return str(error)
    return check_of(key) if add else ""


def _in_use(data: Path) -> str:
    with contextlib.suppress(pointer.ExtractError):
        if (named := pointer.named(data / "extracts")) is not None:
            return named.name
    return ""
