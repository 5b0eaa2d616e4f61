"""Two deliveries that differ only in what is hidden give whoever it is hidden from the same, to the last row."""

from __future__ import annotations

import datetime as dt
import itertools
from collections import defaultdict

import pandas as pd
import pytest

from dashboard import access, exports, filters, panels
from dashboard.access import Role, Viewer
from dashboard.queries import queries
from dashboard.settings import Settings
from dashboard.shelf import Shelf
from dashboard.warehouse import Reader
from tests.alike import write_alike

#: With a line, a comparison and single days, where hidden counts would be nearest.
ADDRESSES = (
    {},
    {"period": ["12-months"], "line": ["ketamine"], "by": ["day"]},
    {"period": ["90-days"], "effect": ["nausea"], "by": ["week"], "compare": ["previous"]},
    {"period": ["custom"], "from": ["2026-03-02"], "to": ["2026-04-01"], "band": ["26-40"]},
)
DIRECTOR = Viewer("d", "D", Role.MEDICAL_DIRECTOR)


@pytest.fixture(scope="module")
def houses(tmp_path_factory):
    folders = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("other")
    write_alike(*folders)
    one, two = (Shelf(Settings(data=data)).current() for data in folders)
    yield one, two
    one.close()
    two.close()


def given(reader):
    """All that a viewer can ask for, by what was asked."""
    scope, viewer = exports.scope_of(reader), reader.viewer
    days = ({"day": [str(scope.last_full_day - dt.timedelta(days=ago))]} for ago in (0, 5, 11))
    found = defaultdict(list)
    for address in itertools.chain(ADDRESSES, days):
        chosen = filters.parse(address, scope)
        for name, panel in panels.PANELS.items():
            if access.allows(viewer, panel.resource):
                found[name] += [panels.rows(reader, name, chosen), panels.heading(reader, name, chosen)]
    whole = {"period": ["custom"], "from": [str(scope.first_day)], "to": [str(scope.last_day)]}
    for name, dataset in exports.DATASETS.items():
        if dataset.query and access.allows(viewer, dataset.resource):
            rows = exports.parts(reader, dataset, filters.parse(whole, scope))
            found[f"file {name}"].append(pd.concat(list(rows)))
    for name, query in queries().items():
        if query.parameters <= {"sites"} and any(access.allows(viewer, resource) for resource in query.serves):
            answer = reader.query(name)
            # When an extract was made, and its name, which has the time in it.
            own = ["built_at", "name"] if name == "extract_info" else []
            found[f"query {name}"].append(answer.drop(columns=own))
    return found


@pytest.mark.parametrize(
    "viewer",
    [Viewer("m", "M", Role.MANAGER, frozenset({"dallas"})), Viewer("f", "F", Role.FINANCE)],
    ids=["manager", "finance"],
)
def test_days_and_details_of_side_effects_change_nothing(houses, viewer):
    ours, theirs = (given(Reader(house, viewer)) for house in houses)
    assert ours.keys() == theirs.keys()
    for name, answers in ours.items():
        for one, other in zip(answers, theirs[name], strict=True):
            if isinstance(one, pd.DataFrame):
                pd.testing.assert_frame_equal(one, other, obj=name)
            else:
                assert one == other, name


def test_they_do_change_what_who_sees_all_is_given(houses):
    chosen = [filters.parse({}, exports.scope_of(Reader(house, DIRECTOR))) for house in houses]
    ours, theirs = (
        panels.rows(Reader(house, DIRECTOR), "event_list", own) for house, own in zip(houses, chosen, strict=True)
    )
    assert not ours.equals(theirs)
