"""The one rule: roles, sites, and what is named nowhere."""

import pytest

from dashboard import access, exports, navigation, packs, panels
from dashboard.access import RESOURCES, AccessDeniedError, Role, Viewer, allows
from dashboard.queries import queries

DALLAS = Viewer("d", "D", Role.MANAGER, frozenset({"dallas"}))
DIRECTOR = Viewer("m", "M", Role.MEDICAL_DIRECTOR)
FINANCE = Viewer("f", "F", Role.FINANCE)
ADMIN = Viewer("a", "A", Role.ADMIN)


def test_nobody_may_see_anything():
    assert not any(allows(None, resource) for resource in RESOURCES)


def test_a_resource_that_is_not_named_is_open_to_nobody():
    assert not any(allows(Viewer("x", "X", role), "nonsense") for role in Role)


@pytest.mark.parametrize(
    ("viewer", "closed"),
    [
        (
            DALLAS,
            {
                "signals",
                "events",
                "register",
                "signal_decisions",
                "safety_review",
                "revenue",
                "side_effect_rows",
                "payment_rows",
                "reject_values",
                "audit",
            },
        ),
        (DIRECTOR, {"revenue", "payment_rows", "reject_values"}),
        (
            FINANCE,
            {
                "today",
                "worklists",
                "safety",
                "courses",
                "signals",
                "events",
                "register",
                "signal_decisions",
                "signal_notices",
                "annotations",
                "safety_review",
                "age_groups",
                "booking_rows",
                "side_effect_rows",
                "reject_values",
                "audit",
            },
        ),
        (ADMIN, {"side_effect_rows", "events", "signal_decisions"}),
    ],
)
def test_what_each_role_may_not_see(viewer, closed):
    assert {resource for resource in RESOURCES if not allows(viewer, resource)} == closed


def test_signals_are_closed_to_who_is_shown_no_small_counts():
    """For menu, address, query and file alike: all of them ask this rule."""
    limited = access.limited(ADMIN, {"admin", "manager"})
    assert not limited.small_counts
    assert allows(ADMIN, "signals")
    assert not allows(limited, "signals")
    # Printed, they are no less small.
    assert allows(ADMIN, "safety_review")
    assert not allows(limited, "safety_review")
    assert "signals" in {entry.name for entry in navigation.entries_for(ADMIN)}
    assert {entry.name for entry in navigation.entries_for(ADMIN)} - {
        entry.name for entry in navigation.entries_for(limited)
    } == {"signals", "register"}
    closed = {d.name for d in packs.open_to(ADMIN)} - {d.name for d in packs.open_to(limited)}
    assert closed == {"page_signals", *packs.of_page("signals")}
    # What the setting took away comes back by no other setting.
    assert not access.limited(limited, ()).small_counts


def test_sites():
    assert allows(DALLAS, "safety", "dallas")
    assert not allows(DALLAS, "safety", "chicago")
    assert allows(DIRECTOR, "safety", "chicago")
    assert access.allowed_sites(DALLAS, ["chicago", "dallas"]) == ("dallas",)
    assert access.allowed_sites(Viewer("n", "N", Role.MANAGER, frozenset()), ["chicago"]) == ()


def test_require_raises_what_allows_refuses():
    assert access.require(DALLAS, "safety", "dallas") is DALLAS
    for viewer, resource, site in ((DALLAS, "safety", "chicago"), (FINANCE, "safety", None), (None, "today", None)):
        with pytest.raises(AccessDeniedError):
            access.require(viewer, resource, site)


def test_pages_panels_datasets_and_queries_name_known_resources():
    named = [entry.name for entry in navigation.ENTRIES]
    named += [panel.resource for panel in panels.PANELS.values()]
    named += [dataset.resource for dataset in exports.DATASETS.values()]
    for query in queries().values():
        named += query.serves
    assert set(named) <= set(RESOURCES)


def test_every_page_has_its_script():
    assert all(entry.script.is_file() for entry in navigation.ENTRIES)
