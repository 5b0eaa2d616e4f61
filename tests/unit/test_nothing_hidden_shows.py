"""Two deliveries that differ only in what is hidden give whoever it is hidden from the same, to the last row."""

from __future__ import annotations

import csv
import datetime as dt
import itertools
import shutil
from collections import defaultdict

import pandas as pd
import pytest

from dashboard import access, exports, filters, panels
from dashboard.access import Role, Viewer
from dashboard.intake import demo, publish
from dashboard.queries import queries
from dashboard.settings import Settings
from dashboard.shelf import Shelf
from dashboard.warehouse import Reader
from tests.facts import facts_of

#: With a line, a comparison and single days, where hidden counts would be nearest.
ADDRESSES = (
    {},
    {"period": ["12-months"], "line": ["ketamine"], "by": ["day"]},
    {"period": ["90-days"], "effect": ["nausea"], "by": ["week"], "compare": ["previous"]},
    {"period": ["custom"], "from": ["2026-03-02"], "to": ["2026-04-01"], "band": ["26-40"]},
)
DIRECTOR = Viewer("d", "D", Role.MEDICAL_DIRECTOR)
#: Where visits are alike in all that shown counts are by.
ALIKE = "patient, site, line, band, status, assessed, date_trunc('month', starts_on)"


def written(folder, rows):
    with folder.open("w", newline="") as stream:
        table = csv.DictWriter(stream, rows[0])
        table.writeheader()
        table.writerows(rows)


def opened(data):
    publish.import_delivery(data / "delivery", data)
    return Shelf(Settings(data=data)).current()


@pytest.fixture(scope="module")
def houses(tmp_path_factory):
    """An extract, and one whose side effects are on other days of the month, without times, action and relation."""
    data, other = (tmp_path_factory.mktemp(name) for name in ("one", "other"))
    demo.write_delivery(data / "delivery", years=1, bookings=4_000)
    one = opened(data)
    moved = {}
    with facts_of(one.path, tmp_path_factory.mktemp("facts")) as ask:
        # Ids that were rejected with their row stay where they are.
        kept = {event for (event,) in ask("select event_id from side_effects").fetchall()}
        alike = f"select list(booking_id order by booking_id) from bookings group by {ALIKE} having count(*) > 1"
        for (group,) in ask(alike).fetchall():
            moved |= zip(group, [*group[1:], group[0]], strict=True)
    shutil.copytree(data / "delivery", other / "delivery")
    with (data / "delivery" / "side_effects.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    told = [row for row in rows if row["event_id"] in kept and row["booking_id"] in moved]
    for row in told:
        row |= {
            "booking_id": moved[row["booking_id"]],
            "action": "",
            "related": "",
            "onset_at": "",
            "resolved_at": "",
        }
    written(other / "delivery" / "side_effects.csv", rows)
    assert len(told) > 500
    two = opened(other)
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
