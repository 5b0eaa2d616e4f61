"""Small counts are hidden in every query and file, from whom the setting says."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import replace

import pandas as pd
import pytest
from small_extracts import reading

from dashboard import access, exports, filters, panels, small_counts
from dashboard.access import AccessDeniedError, Role, Viewer
from dashboard.queries import queries
from dashboard.settings import Settings
from dashboard.small_counts import COLUMNS
from dashboard.theme import SEVERITY_TITLES
from dashboard.warehouse import Reader, Warehouse
from tests.csv_files import csv_text


@pytest.mark.parametrize("name", [n for n, q in queries().items() if set(q.hides) & set(COLUMNS)])
def test_every_query_hides_for_whatever_is_asked(managers, everything, name):
    """Any grouping, any days: the true count of a whole period, or hidden; and the rest untouched."""
    query = queries()[name]
    scope = exports.scope_of(everything)
    spans = [(dt.date(2026, 9, 1), dt.date(2026, 9, 30)), (dt.date(2026, 9, 1), dt.date(2026, 9, 29)),
             (dt.date(2026, 4, 1), dt.date(2026, 9, 30))]  # fmt: skip
    shown = 0
    for (start, end), by, lines, grain in itertools.product(
        spans, (("site",), ("period", "site"), ("effect", "severity"), ("site", "effect")),
        (scope.lines, scope.lines[:1]), ("day", "month"),
    ):  # fmt: skip
        values = {"start": start, "end": end, "sites": scope.sites, "lines": lines, "bands": scope.bands,
                  "by": by, "grain": grain}  # fmt: skip
        values = {k: v for k, v in values.items() if k in query.parameters}
        if query.levels:
            own = [c for c in by if c == "site"]
            ours, true = (reader.at_level(name, own, **values) for reader in (managers[0], everything))
        else:
            ours, true = managers[0].query(name, **values), everything.query(name, **values)
        asked = [*own, "effect"] if query.levels else by
        keys = [c for c in asked if c in true.columns]
        both = (
            true.merge(ours, how="outer", on=keys, suffixes=("", "_ours"))
            if keys
            else true.join(ours.add_suffix("_ours"))
        )
        for column in query.hides:
            got = both[f"{column}_ours"].astype(float)
            assert ((got == both[column].fillna(0)) | got.isna()).all() or column == "all_events"
            assert ((got == 0) | (got > 10) | got.isna()).all()
            if end.day == 29 or (grain == "day" and "period" in keys):
                assert got.isna().all()
            shown += int((got > 10).sum())
        rest = [c for c in true.columns if c not in query.hides]
        if set(rest) <= set(small_counts.DIMENSIONS):
            continue  # every combination has its row here
        pd.testing.assert_frame_equal(true[rest], ours[rest])
    assert shown > 0


def test_a_row_that_is_missing_tells_nothing(managers, everything):
    chosen = filters.parse({}, exports.scope_of(everything)).values() | {"by": ("effect", "severity"), "grain": "day"}
    true, ours = everything.query("effect_counts", **chosen), managers[0].query("effect_counts", **chosen)
    assert len(true) < len(ours) == len(everything.catalogue.effects) * len(SEVERITY_TITLES)


def test_roles_that_see_true_counts(house, everything):
    chosen = filters.parse({}, exports.scope_of(everything))
    for role in Role:
        reader = Reader(house, Viewer("x", "X", role))
        assert reader.hides_small_counts == (role in {Role.MANAGER, Role.FINANCE})
    director = Reader(house, Viewer("d", "D", Role.MEDICAL_DIRECTOR))
    rows = panels.rows(director, "effects_by_age", chosen)
    assert "hidden" not in rows
    assert rows["numerator"].between(1, 10).any()
    assert (
        exports.columns_of(director, exports.DATASETS["effects_by_age"], chosen)
        == panels.PANELS["effects_by_age"].columns
    )


def test_single_days_hold_no_side_effects_for_managers(managers, everything):
    chosen = filters.parse({}, exports.scope_of(everything))
    assert "events" in set(panels.rows(everything, "today", chosen)["metric"])
    assert "events" not in set(panels.rows(managers[0], "today", chosen)["metric"])


def test_the_number_of_side_effects_read_is_no_way_round(managers, everything):
    rows = managers[0].query("sources").set_index("source")
    # Its bytes are its rows, but for the head.
    assert rows.loc["side_effects", ["rows_read", "rows_accepted", "rows_rejected", "bytes"]].isna().all()
    assert (
        rows.loc["bookings", "rows_read"]
        == everything.query("sources").set_index("source").loc["bookings", "rows_read"]
    )
    assert managers[0].query("extract_info")[["rows_read", "rows_accepted"]].isna().all(axis=None)
    assert everything.query("extract_info")[["rows_read", "rows_accepted"]].notna().all(axis=None)


@pytest.mark.parametrize("days", [[8], [8, 30, 20]])
def test_improbable_side_effects_tell_neither_how_many_nor_how_long(tmp_path, days):
    """Nor by their place among the others, two of which are improbable at one site."""
    start = "2026-11-03 09:00"
    bookings = ["booking_id,patient_id,site,service,starts_at,status,age,price,side_effects_assessed"]
    bookings += [
        f"B{n},P{n},chicago,ketamine-infusion,{start},completed,40,{1 if n < 2 else 475}.00,yes" for n in range(9)
    ]
    effects = ["event_id,booking_id,effect,onset_at,resolved_at"]
    effects += [f"E{n},B{n},nausea,{start},2026-12-{3 + day - 30:02} 09:00" if day == 30 else
                f"E{n},B{n},nausea,{start},2026-11-{3 + day:02} 09:00" for n, day in enumerate(days)]  # fmt: skip
    tables = {"bookings": "\n".join(bookings), "side_effects": "\n".join(effects)}
    with reading(tmp_path, role=Role.MANAGER, **tables) as reader:
        frame = panels.rows(reader, "oddities", filters.parse({}, exports.scope_of(reader)))
        assert frame["source"].tolist() == ["bookings", "side_effects"]
        told, hidden = (frame.loc[place, ["rows", "lowest", "highest"]] for place in (0, 1))
        assert told.tolist() == [2, 1, 1]
        assert hidden.isna().all()
        heading = panels.heading(reader, "oddities", filters.parse({}, exports.scope_of(reader)))
        assert heading == "2 accepted values are improbable, without those of side effects"
        # Of a file of a few lines a digest would tell what is guessed.
        assert reader.query("sources").set_index("source")["sha256"].isna().to_dict() == {
            "bookings": False, "side_effects": True,
        }  # fmt: skip


def test_files_say_what_is_hidden(managers):
    reader = managers[1]
    chosen = filters.parse({}, exports.scope_of(reader))
    dataset = exports.DATASETS["effects_by_age"]
    columns = exports.columns_of(reader, dataset, chosen)
    text = csv_text(columns, exports.parts(reader, dataset, chosen))
    assert "Small counts" in text.splitlines()[0]
    assert ",hidden," in text
    assert "nan" not in text.lower()


def test_a_viewer_who_sees_no_small_counts_gets_no_rows_of_them(house):
    """Whatever else `allows` says: a query that hides is never streamed row by row."""
    reader = Reader(house, Viewer("m", "M", Role.MANAGER))
    chosen = filters.parse({}, exports.scope_of(reader)).values() | {"by": (), "grain": "day"}
    with pytest.raises(AccessDeniedError, match="in rows"):
        next(house.stream(reader.viewer, "effect_counts", **chosen))


def test_every_query_that_counts_side_effects_says_so():
    """By what it reads: whoever adds a query must name the columns that hide, or the roles that see all."""
    told = {"with_effect", "with_severe", "with_serious", "has_effect", "has_severe", "has_serious", "side_effects",
            "daily_effects", "daily_returns", "rows_accepted", "extract_info"}  # fmt: skip
    for query in queries().values():
        # Signals are open to those alone who see all of it.
        if not set(query.serves) <= access.OF_SMALL_COUNTS and any(word in query.sql for word in told):
            assert query.hides, query.name
    hiding = {p.name for p in panels.PANELS.values() if p.hides}
    measures = {"with_effect", "with_severe", "with_serious", "effects"}
    for panel in panels.PANELS.values():
        shows = any(m.source == "effects" or set(m.numerator) & measures for m in panel.definitions())
        assert not shows or panel.name in hiding | {"today", "day_chart"}, panel.name
        assert not panel.hides or panel.whole


@pytest.mark.parametrize(
    ("text", "roles"),
    [
        ("", {"finance", "manager"}),
        ("none", set()),
        ("manager", {"manager"}),
        ("manager, admin", {"manager", "admin"}),
    ],
)
def test_the_setting(monkeypatch, text, roles):
    monkeypatch.setenv("DASHBOARD_SMALL_CELLS", text)
    found = Settings.from_environment().small_cells
    assert found == roles
    for role in Role:
        assert access.limited(Viewer("x", "X", role), found).small_counts == (role.value not in roles)


@pytest.mark.parametrize("text", ["nobody", "medical_director", "manager,none"])
def test_a_setting_that_cannot_be_is_refused(monkeypatch, text):
    monkeypatch.setenv("DASHBOARD_SMALL_CELLS", text)
    with pytest.raises(ValueError, match="DASHBOARD_SMALL_CELLS must be none or some of admin, finance, manager"):
        Settings.from_environment()


def test_the_limit_is_a_setting(everything, settings_of, tmp_path):
    path = tmp_path / "copy.duckdb"
    path.write_bytes(everything.warehouse.path.read_bytes())
    house = Warehouse(path, replace(settings_of(), small_cell_limit=3, small_cells=frozenset({"admin"})))
    reader = Reader(house, everything.viewer)
    rows = panels.rows(reader, "effects", filters.parse({"site": ["dallas"]}, exports.scope_of(reader)))
    assert rows["numerator"].between(4, 10).any()
    assert not rows["numerator"].between(1, 3).any()
    # Alarms are tests of the very counts: refused by the query, whoever forgot it before.
    with pytest.raises(AccessDeniedError, match="signal"):
        reader.query("signal_events", sites=("dallas",))
    house.close()
