"""Every query for a viewer of one site, on an extract in which each site's rows carry its own mark."""

from __future__ import annotations

import datetime as dt

import pytest

from dashboard import exports, filters, packs, panels
from dashboard.access import AccessDeniedError, Role, Viewer, allows
from dashboard.intake.publish import import_delivery
from dashboard.queries import queries
from dashboard.settings import Settings
from dashboard.shelf import Shelf
from dashboard.warehouse import Reader
from tests.csv_files import csv_text
from tests.marked import DAYS, SITES, VISITS, write_delivery


@pytest.fixture(scope="module")
def marked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("marked")
    delivery = write_delivery(folder / "delivery")
    for _ in range(2):  # the second is compared with the first
        import_delivery(delivery, folder / "data")
    shelf = Shelf(Settings(data=folder / "data"))
    yield shelf.current()
    shelf.current().close()


def readers(house, sites):
    return [Reader(house, Viewer(role.value, role.value, role, sites)) for role in Role]


def patient_of(reader):
    """A patient seen everywhere, by the number that all sites know."""
    rows = next(reader.warehouse.stream(Viewer("a", "A", Role.ADMIN), "rows_bookings", **everything(reader)))
    return str(rows.groupby("patient")["site"].nunique().idxmax())


def everything(reader):
    scope = exports.scope_of(Reader(reader.warehouse, Viewer("a", "A", Role.ADMIN)))
    return filters.parse({"period": ["12-months"]}, scope).values()


def values_of(query, reader):
    """All that a query binds, for the longest period; by nothing, by site, and by more."""
    chosen = filters.parse({"period": ["12-months"]}, exports.scope_of(reader)).values()
    for by in (
        (),
        ("site",),
        ("period", "site", "line", "effect"),
    ):
        # As if patients had been followed long enough to be known to have stopped.
        until = chosen["end"] + dt.timedelta(days=100)
        every = chosen | {"by": by, "grain": "month", "effect": "nausea", "until": until,
                          "day": chosen["end"], "before_start": chosen["start"], "before_end": chosen["end"]}  # fmt: skip
        every["patient"] = patient_of(reader)
        every |= {"near": 14, "dated": "payment", "every_line": True, "methods": (), "settled_by": chosen["end"],
                  "days": 28, "one_in": 1}  # fmt: skip
        yield {k: v for k, v in every.items() if k in query.parameters}


def ask(reader, query, values):
    """The answer, of a question that has several levels the one by site."""
    if not query.levels:
        return reader.query(query.name, **values)
    return reader.at_level(query.name, ("site",), **values)


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("query", queries().values(), ids=queries())
def test_no_query_answers_with_another_sites_rows(marked, query, site):
    """Every role × query, also with the foreign sites named outright: their rows, marks and sums stay away."""
    answered = 0
    for reader in readers(marked, frozenset({site})):
        if not any(allows(reader.viewer, resource) for resource in query.serves):
            continue
        for values in values_of(query, reader):
            frame = ask(reader, query, values)
            answered += len(frame)
            if not query.by_site:
                continue
            foreign = [s for s in SITES if s != site]
            text = frame.to_csv()
            assert [s for s in foreign if s in text] == []
            for asked in (foreign, [site, foreign[0]], list(SITES)):
                with pytest.raises(AccessDeniedError):
                    ask(reader, query, values | {"sites": asked})
            if {"bookings", "completed"} & set(frame.columns) and query.name not in {
                "hours",
                "lead_time",
                "late_forms",
            }:
                assert frame["completed" if "completed" in frame else "bookings"].sum() == DAYS * VISITS[site]
    assert (
        answered
        or query.name.startswith(("reject", "worklist"))
        or query.name in {"left_out", "missed", "oddities", "resources"}
    )


def test_no_dataset_holds_another_sites_rows(marked):
    """Every role × dataset, streamed as the file route does it."""
    site = "dallas"
    foreign = [word for s in SITES if s != site for word in (s, marked.catalogue.site_name(s))]
    taken, seen = set(), set()
    for reader in readers(marked, frozenset({site})):
        chosen = filters.parse({"period": ["12-months"], "site": list(SITES)}, exports.scope_of(reader))
        for dataset in [one for one in packs.open_to(reader.viewer) if one.name in exports.DATASETS]:
            # All that a table knows of a role is whether small counts are hidden from it.
            if dataset.query is None and (dataset.name, reader.hides_small_counts) in seen:
                continue
            seen.add((dataset.name, reader.hides_small_counts))
            text = csv_text(exports.columns_of(reader, dataset, chosen), exports.parts(reader, dataset, chosen))
            assert [word for word in foreign if word in text] == [], dataset.name
            taken.add(dataset.name)
            if dataset.query and any(column.name == "booking_id" for column in dataset.columns):
                assert text.count("MARK") >= DAYS * VISITS[site]
    assert taken == set(exports.DATASETS)


def test_filters_made_by_hand_are_refused_by_every_panel(marked):
    """Not only the parser cuts: a panel that is handed foreign sites refuses."""
    reader = Reader(marked, Viewer("m", "M", Role.MANAGER, frozenset({"dallas"})))
    forged = filters.parse({}, exports.scope_of(Reader(marked, Viewer("a", "A", Role.ADMIN))))
    for name in panels.PANELS:
        with pytest.raises(AccessDeniedError):
            panels.rows(reader, name, forged)


def test_new_means_new_to_the_group(marked):
    """What a manager of one site can tell of another: that a patient had been somewhere before, no more.

    Every patient's first visit is somewhere on the first days; the row says whether it was here.
    """
    readers_of = {
        site: Reader(marked, Viewer("m", "M", Role.MANAGER, frozenset({site})))
        for site in SITES
    }  # fmt: skip
    new = {}
    for site, reader in readers_of.items():
        chosen = filters.parse({"period": ["12-months"]}, exports.scope_of(reader)).values() | {
            "by": (),
            "grain": "day",
        }
        new[site] = int(reader.query("counts", **chosen)["new_patients"].sum())
    assert sum(new.values()) == 7
    # Each site sees all seven patients, but calls only those new who had been nowhere before.
    assert max(new.values()) < 7


@pytest.mark.parametrize("site", SITES)
def test_rows_that_are_kept_for_everybody_add_up_to_ones_own_sites_only(marked, site):
    """An admin's rows of all sites are kept already when a manager asks."""
    admin = Reader(marked, Viewer("a", "A", Role.ADMIN))
    own = Reader(marked, Viewer("m", "M", Role.MANAGER, frozenset({site})))
    fine = ("site", "line", "band")

    def asked(reader, **more):
        chosen = filters.parse({"period": ["12-months"]}, exports.scope_of(reader)).values()
        return reader.added_up("counts", fine, **chosen | {"by": ("site",), "grain": "day"} | more)

    assert asked(admin).set_index("site")["completed"].to_dict() == {s: DAYS * VISITS[s] for s in SITES}
    assert asked(own).set_index("site")["completed"].to_dict() == {site: DAYS * VISITS[site]}
    with pytest.raises(AccessDeniedError):
        asked(own, sites=SITES)


def test_a_patient_of_several_sites_counts_once_at_each_and_once_in_all(marked):
    reader = Reader(marked, Viewer("a", "A", Role.ADMIN))
    chosen = filters.parse({"period": ["12-months"]}, exports.scope_of(reader)).values()
    assert reader.at_level("patients", (), **chosen)["patients"].tolist() == [7]
    by_site = reader.at_level("patients", ("site",), **chosen).set_index("site")["patients"]
    assert by_site.to_dict() == dict.fromkeys(SITES, 7)
