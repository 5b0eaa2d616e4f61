"""What managers get of side effects, gathered from panels and queries: no small count, and none that follows."""

from __future__ import annotations

import datetime as dt
import itertools
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from cells_tables import PRIME, recoverable

from dashboard import exports, filters, panels, periods, small_counts
from dashboard.theme import SEVERITY_TITLES, line_title
from dashboard.warehouse import Warehouse

#: Neighbouring periods, other groupings, other lengths, other sites: what a person would subtract.
ADDRESSES = (
    {},
    {"period": ["90-days"], "compare": ["last-year"]},
    {"period": ["custom"], "from": ["2026-05-01"], "to": ["2026-07-31"], "line": ["ketamine"]},
)
HIDING = [panel for panel in panels.PANELS.values() if panel.hides]
DIMENSIONS = ["site", "month", "line", "band", "effect", "severity"]


def frames(reader):
    """Panel, filters in force and rows, over the addresses."""
    for address in ADDRESSES:
        chosen = filters.parse(address, exports.scope_of(reader))
        for panel in HIDING:
            yield panel, panels.asked(reader, panel.name, chosen), panels.rows(reader, panel.name, chosen)


class Base:
    """The true counts of one measure by month and dimension, also where there was none."""

    def __init__(self, house, measure: str, effects=None, sites=None) -> None:
        catalogue = house.catalogue
        if measure in {"infusions", "events", "serious_events", "transfers"}:
            condition = {
                "infusions": "status = 'completed' and first_of_kind",
                "events": "status = 'completed'",
                "serious_events": "serious",
                "transfers": "transfer",
            }[measure]
            sql = f"select *, date_trunc('month', starts_on)::date as month from side_effects where {condition}"
        else:
            column = f"has_{measure.removeprefix('with_')}"
            sql = (
                "select *, null as effect, null as severity, date_trunc('month', starts_on)::date as month "
                f"from bookings where status = 'completed' and {column}"
            )
        facts = house._run(f"select {', '.join(DIMENSIONS)}, count(*) as n from ({sql}) group by all", {})
        facts["month"] = pd.to_datetime(facts["month"]).dt.date
        first, last = catalogue.first_day.replace(day=1), catalogue.last_full_day
        months = [d.date() for d in pd.date_range(first, last, freq="MS")]
        by_effect = measure in {"infusions", "events"}
        values = [
            sites or catalogue.sites,
            months,
            catalogue.lines if measure not in {"serious_events", "transfers"} else [None],
            catalogue.bands if measure not in {"serious_events", "transfers"} else [None],
            (effects or catalogue.effects) if by_effect else [None],
            SEVERITY_TITLES if measure == "events" else [None],
        ]
        for name, options in zip(DIMENSIONS, values, strict=True):
            if list(options) == [None]:
                facts[name] = ""
        facts = facts.groupby(DIMENSIONS)["n"].sum()
        options = [[v or "" for v in part] for part in values]
        cells = pd.MultiIndex.from_product(options, names=DIMENSIONS)
        self.cells = cells.to_frame(index=False)
        self.counts = facts.reindex(cells, fill_value=0).to_numpy()
        self.is_value = {
            (name, value): (self.cells[name] == value).to_numpy()
            for name, part in zip(DIMENSIONS, options, strict=True)
            for value in part
        }
        self.known: dict[bytes, np.ndarray] = {}
        self.none = np.zeros(len(cells), dtype=bool)

    def mask(self, **restriction: list[object] | None) -> np.ndarray:
        """The base cells of a count: of some sites, months, lines, bands, an effect, a severity."""
        found = np.ones(len(self.cells), dtype=bool)
        for name, wanted in restriction.items():
            if wanted is not None:
                found &= np.logical_or.reduce([self.is_value[name, value] for value in wanted])
        return found

    def add(self, value: float, mask: np.ndarray) -> None:
        """A number that somebody got; it must be the true one."""
        assert value == self.counts[mask].sum()
        assert value == 0 or value > 10
        if value:
            self.known[mask.tobytes()] = mask
        else:
            self.none |= mask  # none in all is none in each

    def check(self, margins: list[tuple[str, ...]], tree: list[periods.Whole]) -> int:
        """No small published count and no small base cell follows; how many there are."""
        left = np.flatnonzero(~self.none)
        cells, counts = self.cells.iloc[left], self.counts[left]
        rows = np.array([mask[left] for mask in self.known.values()]).reshape(-1, len(left))
        secret = [] if len(left) > 2_000 else [np.eye(len(left), dtype=bool)[(counts > 0) & (counts <= 10)]]
        for span, margin in itertools.product(tree, margins):
            inside = np.flatnonzero(cells["month"].between(span.start, span.end))
            groups = [inside[at] for at in cells.iloc[inside].groupby(list(margin)).indices.values()]
            secret += [np.isin(np.arange(len(left)), at)[None] for at in groups if 0 < counts[at].sum() <= 10]
        if not secret:
            return 0
        hidden = np.vstack(secret)
        if (width := len(rows) + 60) < len(left):
            # Fewer columns by random sums modulo a prime: enough of them for the rank to stay.
            codes = np.random.default_rng(1).integers(0, PRIME, (len(left), width))
            rows, hidden = (
                np.array([codes[row].sum(axis=0) % PRIME for row in part], np.int64).reshape(len(part), width)
                for part in (rows, hidden)
            )
        assert not recoverable(rows, hidden).any()
        return len(hidden)


def months_of(chosen):
    assert chosen.start.day == 1
    assert (chosen.end + dt.timedelta(days=1)).day == 1
    return [d.date() for d in pd.date_range(chosen.start, chosen.end, freq="MS")]


def take(bases, reader, panel, chosen, frame):
    """Put every number of a panel's rows into the systems of its measures."""
    catalogue = reader.catalogue
    sites = {catalogue.site_name(s): [s] for s in catalogue.sites} | {"All sites": list(chosen.sites)}
    lines = {line_title(line): [line] for line in catalogue.lines}
    effects = {name: [key] for key, name in catalogue.effects.items()}
    grades = {name: [key] for key, name in SEVERITY_TITLES.items()}
    metrics = {"any_effect": "with_effect", "severe_effect": "with_severe", "serious_effect": "with_serious",
               "events": "events", "transfers": "transfers"}  # fmt: skip
    for row in frame.to_dict("records"):
        months = months_of(chosen)
        if "period" in row:
            months = [pd.Timestamp(row["period"]).date()]
        where = {
            "site": sites[row["site"]] if "site" in row else list(chosen.sites),
            "line": lines[row["line"]] if "line" in row else chosen.lines or None,
            "band": [row["band"]] if "band" in row else chosen.bands or None,
            "effect": effects[row["effect"]] if "effect" in row else None,
            "severity": grades[row["severity"]] if "severity" in row else None,
        }
        numbers: list[tuple[str, float, list[dt.date]]] = []
        if panel.name == "safety_outcomes":
            if row["metric"] in metrics:
                measure = metrics[row["metric"]]
                numbers.append((measure, row["numerator"], months))
                before = chosen.compared()
                if before and before.start >= catalogue.first_day.replace(day=1):
                    numbers.append((measure, row["before_numerator"], months_of(before)))
        elif panel.name == "serious_events":
            kind = "serious_events" if row["kind"].startswith("Serious") else "transfers"
            numbers.append((kind, row["value"], months))
        elif panel.name == "severity":
            numbers.append(("events", row["value"], months))
        elif "patient_numerator" in row:
            numbers += [("infusions", row["numerator"], months), ("events", row["events"], months)]
            patients = row["patient_numerator"]
            assert np.isnan(patients) or patients == 0 or patients > 10
        else:
            numbers.append(("with_effect", row["numerator"], months))
        for measure, value, of in numbers:
            if np.isnan(value):
                continue
            own = {k: v for k, v in where.items() if v and (k, "") not in bases[measure][0].is_value}
            for base in bases[measure]:
                if all((k, v) in base.is_value for k, some in own.items() for v in some):
                    base.add(value, base.mask(month=of, **own))


SITE = ("site",)
MARGINS = {
    "with_effect": [SITE, ("site", "line"), ("site", "band")],
    "with_severe": [SITE, ("site", "line")],
    "with_serious": [SITE, ("site", "line")],
    "infusions": [("site", "effect"), ("site", "effect", "line"), ("site", "effect", "band")],
    "events": [SITE, ("site", "effect"), ("site", "effect", "severity")],
    "serious_events": [SITE],
    "transfers": [SITE],
}


def test_no_small_count_follows_from_all_that_managers_get_together(house, managers):
    """Every number of their pages and files as one system a measure; each must be the true one.

    Infusions with an effect are a system an effect; events, which add up over effects, are taken
    of the manager of one site.
    """
    bases = {
        measure: [Base(house, measure, effects=[e]) for e in house.catalogue.effects]
        if measure == "infusions"
        else [Base(house, measure)]
        for measure in MARGINS
        if measure != "events"
    }
    bases["events"] = [Base(house, "events", sites=["dallas"])]
    for reader in managers:
        for panel, chosen, frame in frames(reader):
            take(bases, reader, panel, chosen, frame)
    for measure, systems in bases.items():
        secrets = sum(base.check(MARGINS[measure], house.small_counts.periods) for base in systems)
        known = sum(len(base.known) for base in systems)
        print(f"{measure}: {known} sums known, {secrets} small counts to protect")
        assert known > 20 or measure not in {"with_effect", "infusions", "events"}


def true_counts(house, site):
    """Every count of a site by period and cell, whatever is hidden of it."""
    counts = house.small_counts
    shape = (len(counts.periods), len(counts.cells))
    measures = {name: np.zeros(shape) for names in small_counts._MEASURES.values() for name in names}
    bound = {"site": site, "start": counts.periods[0].start, "end": counts.periods[-1].end}
    for question in ("infusions", "effects"):
        counts._fill(measures, house._small_question(question, bound))
    names = [small_counts._MEASURES[cell.family][0] for cell in counts.cells]
    return np.column_stack([measures[name][:, at] for at, name in enumerate(names)])


def parts_of(cells):
    """Each total with its parts, by position: lines, age bands, severities, and side effects of their sum."""
    for whole, cell in enumerate(cells):
        if cell.line or cell.band or cell.severity:
            continue
        for name in ("line", "band", "severity"):
            family = "severity" if name == "severity" and cell.family == "effect" else cell.family
            parts = [at for at, c in enumerate(cells)
                     if getattr(c, name) and (c.family, c.effect) == (family, cell.effect)]  # fmt: skip
            if parts:
                yield whole, parts
    yield (
        cells.index(small_counts.Cell("all")),
        [at for at, c in enumerate(cells) if c.family == "effect" and not (c.line or c.band)],
    )


@pytest.mark.parametrize("grain", ["month", "quarter"])
def test_what_is_left_of_a_known_total_is_above_the_limit(house, grain):
    """Else each of two hidden parts that come to 2 would be 1; in a quarter as in a month."""
    counts, found = house.small_counts, 0
    for site in house.catalogue.sites:
        true, shown = true_counts(house, site), counts.site(site).shown
        for at, period in enumerate(counts.periods):
            for whole, parts in parts_of(counts.cells) if period.grain == grain else ():
                hidden = [part for part in parts if not shown[at, part]]
                if hidden and shown[at, whole] and true[at, whole]:
                    found += 1
                    assert true[at, hidden].sum() > max(10, np.count_nonzero(true[at, hidden]))
    assert found > 50


def test_of_who_was_treated_alone_a_hidden_count_tells_nothing(house):
    """Another group that somebody was treated in may be it: its count is hidden too, 0 or not, or above the limit."""
    counts, found, zeros = house.small_counts, 0, 0
    for site in house.catalogue.sites:
        shown, true = counts.site(site).shown, true_counts(house, site)
        for at, period in enumerate(counts.periods):
            patients = house._run(
                "select band, count(distinct patient) filter (where assessed) as asked from bookings where site = $site "
                "and status = 'completed' and starts_on between $start and $end group by band",
                {"site": site, "start": period.start, "end": period.end},
            )
            alone = patients.loc[patients["asked"] <= 1, "band"].tolist()
            for place, cell in enumerate(counts.cells):
                if cell.band in alone and not shown[at, place]:
                    others = [
                        counts._cell_at[cell._replace(band=band)] for band in patients["band"] if band != cell.band
                    ]
                    found += 1
                    zeros += not true[at, place]
                    assert any(not shown[at, other] or true[at, other] > 10 for other in others)
    # Were 0 shown of them all, whatever is hidden would be one patient's.
    assert 20 < zeros < found


def test_groups_are_of_who_was_asked_about_side_effects(house):
    """Who was treated without being asked hides nobody."""
    site, counts = "chicago", house.small_counts
    bound = {"site": site, "start": counts.periods[0].start, "end": counts.periods[-1].end}
    told = house._small_question("groups", bound)
    rows = house._run(
        "select starts_on, line::varchar as line, band::varchar as band, patient::varchar as patient from bookings "
        "where site = $site and status = 'completed' and assessed and starts_on between $start and $end",
        bound,
    )
    by_hand = {}
    for day, line, band, patient in rows.itertuples(index=False):
        starts = {"month": day.replace(day=1), "quarter": day.replace(month=day.month - (day.month - 1) % 3, day=1),
                  "year": day.replace(month=1, day=1)}  # fmt: skip
        for grain, start in starts.items():
            by_hand.setdefault((grain, start, line, band), set()).add(patient)
    found = {
        (grain, start, line, band): (asked, first, last)
        for grain, start, line, band, asked, first, last in told.itertuples(index=False)
        if asked
    }
    assert found == {key: (len(who), min(who), max(who)) for key, who in by_hand.items()}
    assert any(len(who) == 1 for who in by_hand.values())


def test_a_later_extract_takes_nothing_back_and_tells_nothing_new_of_earlier_months(house):
    """Decided on all months, or as an extract of three months earlier would have: the same."""
    from dashboard.small_counts import SmallCounts

    catalogue = house.catalogue
    earlier = replace(catalogue, last_full_day=catalogue.last_full_day - dt.timedelta(days=92))
    before = SmallCounts(earlier, house._small_question, 10)
    shared = [house.small_counts.periods.index(period) for period in before.periods]
    assert 3 < len(shared) < len(house.small_counts.periods)
    assert (before.site("dallas").shown == house.small_counts.site("dallas").shown[shared]).all()


def test_a_site_that_is_being_decided_holds_up_no_other(settings, tmp_path):
    path = tmp_path / next(settings.extracts.glob("*.duckdb")).name
    shutil.copy(next(settings.extracts.glob("*.duckdb")), path)
    house = Warehouse(path, replace(settings, data=tmp_path))
    counts = house.small_counts
    try:
        with ThreadPoolExecutor(2) as pool:
            with counts._deciding.setdefault("chicago", threading.Lock()):
                first, other = pool.submit(counts.site, "chicago"), pool.submit(counts.site, "dallas")
                assert other.result(20).shown.any()
                assert not first.done()
            assert first.result(60).shown.any()
    finally:
        house.close()
