"""Who may see what: one pure rule, asked by the gate, the pages, the query layer and the exports."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum


class Role(StrEnum):
    """What a person does here; decides pages and datasets."""

    MANAGER = "manager"
    MEDICAL_DIRECTOR = "medical_director"
    FINANCE = "finance"
    ADMIN = "admin"

    @property
    def label(self) -> str:
        """The role as staff read it."""
        return {
            Role.MANAGER: "Clinic manager",
            Role.MEDICAL_DIRECTOR: "Medical director",
            Role.FINANCE: "Finance",
            Role.ADMIN: "Administrator",
        }[self]


class AccessDeniedError(PermissionError):
    """A page, query or export that this person may not see."""


@dataclass(frozen=True)
class Viewer:
    """A signed-in person.

    Attributes:
        sites: the only sites they may see; None for every site.
        small_counts: whether they see small counts of side effects.
    """

    username: str
    name: str
    role: Role
    sites: frozenset[str] | None = None
    small_counts: bool = True


_CARE = frozenset({Role.MANAGER, Role.MEDICAL_DIRECTOR, Role.ADMIN})
_ALL = frozenset(Role)

#: What each resource is open to. Queries, panels and datasets name one of these resources;
#: a resource that is not named here is open to nobody.
RESOURCES: dict[str, frozenset[Role]] = {
    "today": _CARE,
    # Patient by patient, for who calls them.
    "worklists": _CARE,
    "bookings": _ALL,
    "service_mix": _ALL,
    "safety": _CARE,
    "courses": _CARE,
    "age_groups": _CARE,
    # Alarms over all sites: who weighs them needs the whole picture.
    "signals": frozenset({Role.MEDICAL_DIRECTOR, Role.ADMIN}),
    # One by one, with who had them: as the row-level file.
    "events": frozenset({Role.MEDICAL_DIRECTOR}),
    "register": frozenset({Role.MEDICAL_DIRECTOR, Role.ADMIN}),
    # Money is for those who account for it; managers see prices of their own bookings.
    "revenue": frozenset({Role.FINANCE, Role.ADMIN}),
    "exports": _ALL,
    "data": _ALL,
    # Rules about figures are only for who sees the figures; data can be missed by anybody.
    "alerts": _ALL,
    "audit": frozenset({Role.ADMIN, Role.MEDICAL_DIRECTOR}),
    "account": _ALL,
    # Steps of signals are the medical director's alone; others are told that one exists at their site.
    "signal_decisions": frozenset({Role.MEDICAL_DIRECTOR}),
    "signal_notices": _CARE,
    # Who writes what happened on a date on the charts of their sites.
    "annotations": _CARE,
    "safety_review": frozenset({Role.MEDICAL_DIRECTOR, Role.ADMIN}),
    # Row-level datasets: one row a patient's visit, event or payment.
    "booking_rows": _CARE,
    "side_effect_rows": frozenset({Role.MEDICAL_DIRECTOR}),
    "payment_rows": frozenset({Role.FINANCE, Role.ADMIN}),
    # Rejected values can hold anything that stood in a faulty file.
    "reject_values": frozenset({Role.ADMIN}),
}

#: What tells small counts whatever is hidden in it: alarms are tests of these very counts, the
#: register keeps copies of them, the monthly review prints both, and events stand one by one.
OF_SMALL_COUNTS = frozenset({"signals", "register", "safety_review", "signal_decisions", "events"})


def allows(viewer: Viewer | None, resource: str, site: str | None = None) -> bool:
    """Whether the viewer may see the resource, and, where one is named, the site."""
    if viewer is None or viewer.role not in RESOURCES.get(resource, frozenset()):
        return False
    if resource in OF_SMALL_COUNTS and not viewer.small_counts:
        return False
    return site is None or viewer.sites is None or site in viewer.sites


def allowed_sites(viewer: Viewer, sites: Iterable[str]) -> tuple[str, ...]:
    """Those of the sites that the viewer may see, in the order given."""
    return tuple(s for s in sites if viewer.sites is None or s in viewer.sites)


def limited(viewer: Viewer, roles: Iterable[str]) -> Viewer:
    """The viewer, without small counts if theirs is one of the roles; `roles` is the setting."""
    return replace(viewer, small_counts=viewer.small_counts and viewer.role.value not in roles)


def require(viewer: Viewer | None, resource: str, site: str | None = None) -> Viewer:
    """Return the viewer, or raise AccessDeniedError when `allows` says no."""
    if viewer is None or not allows(viewer, resource, site):
        raise AccessDeniedError(f"not open to this account: {resource}" + (f" at {site}" if site else ""))
    return viewer
