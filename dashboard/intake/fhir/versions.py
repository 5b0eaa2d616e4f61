"""Which of several resources with one id counts, or whether they are different things."""

from __future__ import annotations

import datetime as dt
import json
from enum import Enum
from hashlib import blake2b

from dashboard.intake.fhir.elements import moment_of
from dashboard.intake.fhir.stream import Json

_BETWEEN = "|"


class Order(Enum):
    """How a resource stands to another one that was read before it and has the same id."""

    NEWER = "newer"
    OLDER = "older"
    UNKNOWN = "unknown"
    OTHER = "other"


def version_of(resource: Json, full_url: str | None) -> str:
    """What tells versions of a resource apart: when it was changed, its number, whose it is.

    A resource without an id of its own is known by the address of its entry, which nobody but its
    Bundle vouches for, so its content must be the same.
    """
    changed = number = ""
    meta = resource.get("meta")
    if isinstance(meta, dict):
        changed, number = _plain(meta.get("lastUpdated")), _plain(meta.get("versionId"))
    owner = ""
    if "id" not in resource:
        text = json.dumps(resource, sort_keys=True)
        owner = blake2b(text.encode(), digest_size=16).hexdigest()
    elif full_url is not None and "://" in full_url:
        owner = full_url.partition("://")[2].rpartition("/")[0].lower()
    return f"{changed}{_BETWEEN}{number}{_BETWEEN}{owner}"


def is_later(resource: Json) -> bool:
    """Whether a resource says that it is not the first of its versions, or writes its number in a way of its own."""
    meta = resource.get("meta")
    return isinstance(meta, dict) and _plain(meta.get("versionId")) not in ("", "1")


def order_of(version: str, before: str) -> Order:
    """How one version stands to another of the same id."""
    changed, number, owner = version.split(_BETWEEN, 2)
    changed_before, number_before, owner_before = before.split(_BETWEEN, 2)
    if owner and owner_before and owner != owner_before:
        return Order.OTHER
    moment, moment_before = moment_of(changed, dt.UTC), moment_of(changed_before, dt.UTC)
    if moment is not None and moment_before is not None and moment != moment_before:
        return Order.NEWER if moment > moment_before else Order.OLDER
    if number.isdecimal() and number_before.isdecimal() and number != number_before:
        return Order.NEWER if int(number) > int(number_before) else Order.OLDER
    return Order.UNKNOWN


def is_gone(version: str, deleted: str) -> bool:
    """Whether a deletion counts: it does unless the resource was changed after it."""
    moment, moment_deleted = moment_of(version.partition(_BETWEEN)[0], dt.UTC), moment_of(deleted, dt.UTC)
    return moment is None or moment_deleted is None or moment <= moment_deleted


def _plain(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= 40 and _BETWEEN not in value else ""
