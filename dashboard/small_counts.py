"""Side-effect counts as roles see them that may not see small ones: what is shown, and sums of it.

Of each site the counts below are decided by `suppression.shown`, once an extract: by month, quarter
and year that are over, in total, by service line and by age band, each side effect also by
severity. Such a role gets these and sums of them. Whatever else is asked for (other days, two of
these groupings at once) is hidden, since differences of it could tell small counts.

Everything is of completed infusions; only serious side effects and emergency transfers are of all
bookings. A count is small where it, or the number of patients behind it, is 1 to the limit, or
where it is a 0 that would tell of one patient (`small_groups`).
"""

from __future__ import annotations

import datetime as dt
import itertools
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd

from dashboard import periods, small_groups, suppression
from dashboard.small_groups import Kinds, Margins, Treated
from dashboard.suppression import BoolArray, FloatArray, IntArray
from dashboard.theme import SEVERITY_TITLES

#: What each family of cells counts: the additive count, then the patients and others beside it.
_MEASURES = {
    "any": ("with_effect", "patients_with_effect"),
    "severe": ("with_severe", "patients_with_severe"),
    "serious": ("with_serious", "patients_with_serious"),
    "effect": ("infusions", "patients", "events"),
    "severity": ("events", "patients"),
    "all": ("events", "patients"),
    "serious_events": ("serious_events", "patients_serious"),
    "transfers": ("transfers", "patients_transferred"),
}
_BY_BAND = {"any", "effect"}
_BY_LINE = {"any", "effect", "severe", "serious"}
_PATIENTS = {measures[1] for measures in _MEASURES.values()}

#: For each column that a query may hide: the family and the measure that answer it.
COLUMNS = {
    "with_effect": ("any", "with_effect"),
    "with_severe": ("severe", "with_severe"),
    "with_serious": ("serious", "with_serious"),
    "patients_with_effect": ("any", "patients_with_effect"),
    "patients_with_severe": ("severe", "patients_with_severe"),
    "patients_with_serious": ("serious", "patients_with_serious"),
    "all_events": ("effect", "events"),
    "events": ("effect", "events"),
    "infusions": ("effect", "infusions"),
    "patients": ("effect", "patients"),
    "serious_events": ("serious_events", "serious_events"),
    "transfers": ("transfers", "transfers"),
}

#: What side effects are read from: a table of the contract, and a FHIR resource.
_TELLING = {"side_effects", "AdverseEvent"}

#: What the rows of a query can be by.
DIMENSIONS = ("period", "site", "line", "band", "effect", "severity", "service", "status", "weekday")


class Cell(NamedTuple):
    """One count of a site and period: a family, and what it is restricted to."""

    family: str
    effect: str | None = None
    line: str | None = None
    band: str | None = None
    severity: str | None = None


class Holdings(Protocol):
    """What is needed of the extract's catalogue."""

    @property
    def first_day(self) -> dt.date: ...  # noqa: D102
    @property
    def last_full_day(self) -> dt.date: ...  # noqa: D102
    @property
    def lines(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def bands(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def effects(self) -> Mapping[str, str]: ...  # noqa: D102
    def effects_at(self, sites: Iterable[str]) -> Mapping[str, str]: ...  # noqa: D102


Run = Callable[[str, dict[str, Any]], pd.DataFrame]


@dataclass(frozen=True)
class SiteCounts:
    """A site's counts, periods × cells: which are shown, and their measures with NaN where not."""

    shown: BoolArray
    measures: dict[str, FloatArray]
    small: BoolArray


class SmallCounts:
    """The side-effect counts of one extract without its small ones. Thread-safe.

    `run(question, values)` answers queries/small_counts/*.sql by name.
    """

    def __init__(self, holdings: Holdings, run: Run, limit: int) -> None:
        self._holdings = holdings
        self._run = run
        self.limit = limit
        self._lock = threading.Lock()
        self._deciding: dict[str, threading.Lock] = {}
        self._sites: dict[str, SiteCounts] = {}
        self.periods = periods.tree(holdings.first_day, holdings.last_full_day)
        self.cells = _cells(holdings)
        self._period_at = {(period.grain, period.start): i for i, period in enumerate(self.periods)}
        self._cell_at = {cell: i for i, cell in enumerate(self.cells)}

    def site(self, site: str) -> SiteCounts:
        """What is shown of a site, decided at the first call."""
        if site not in self._sites:
            # A lock for each: who asks for another site doesn't wait for this one.
            with self._lock:
                deciding = self._deciding.setdefault(site, threading.Lock())
            with deciding:
                if site not in self._sites:
                    self._sites[site] = self._decide(site)
        return self._sites[site]

    def hide(self, frame: pd.DataFrame, columns: Sequence[str], values: Mapping[str, Any]) -> pd.DataFrame:
        """A query's answer with these columns as shown: NaN is hidden.

        Args:
            frame: the true answer.
            columns: those to hide. What is none of `COLUMNS` is hidden whole, or, where there is a
                column `source` or `resource`, for what side effects are read from.
            values: what the query binds: start, end, sites, lines, bands, by and, where it answers
                by period, grain.
        """
        if not set(columns) <= set(COLUMNS):
            kept_by = next((frame[name] for name in ("source", "resource") if name in frame), None)
            told = np.full(len(frame), True) if kept_by is None else kept_by.isin(_TELLING)
            return frame.assign(**{name: _masked(frame[name], told) for name in columns})
        if set(frame.columns) <= {*columns, *DIMENSIONS}:
            # Nothing else is answered: every combination has its row, since a missing one would tell 0.
            frame = self._combinations(values).reindex(columns=list(frame.columns))
        dimensions = [name for name in DIMENSIONS if name in frame.columns and frame[name].notna().any()]
        if set(dimensions) & {"service", "status", "weekday"}:
            return frame.assign(**dict.fromkeys(columns, np.nan))
        spans = {None: periods.pieces(values["start"], values["end"], self.periods)}
        if "period" in dimensions:
            spans = {period: self._month(period, values) for period in dict.fromkeys(frame["period"].tolist())}
        names = [name for name in dimensions if name != "period"]
        of_row = frame["period"].tolist() if "period" in dimensions else [None] * len(frame)
        keys = _known([frame[name].tolist() for name in names], len(frame))
        # A row comes again with each period: which cells it asks for is found out once.
        rows = {key: dict(zip(names, key, strict=True)) for key in keys}
        shown = {}
        for name in columns:
            family, measure = COLUMNS[name]
            cells = {key: self._parts(family, measure, row, values) for key, row in rows.items()}
            sites = {key: [row["site"]] if row.get("site") else values["sites"] for key, row in rows.items()}
            found = [
                self._value(measure, cells[key], spans[period], sites[key])
                for period, key in zip(of_row, keys, strict=True)
            ]
            shown[name] = np.array(found, np.float64)
        return frame.assign(**shown)

    def _month(self, start: pd.Timestamp, values: Mapping[str, Any]) -> list[periods.Whole] | None:
        """The month that begins on this day, if it is asked for whole."""
        at = self._period_at.get(("month", start.date()))
        if (
            at is None
            or values["grain"] != "month"
            or not (values["start"] <= self.periods[at].start and self.periods[at].end <= values["end"])
        ):
            return None
        return [self.periods[at]]

    def _combinations(self, values: Mapping[str, Any]) -> pd.DataFrame:
        choices: dict[str, Iterable[Any]] = {
            "site": values["sites"],
            "line": values["lines"],
            "band": values["bands"],
            "effect": self._holdings.effects_at(values["sites"]),
            "severity": SEVERITY_TITLES,
        }
        if "period" in values["by"] and "grain" in values:
            frequency = {"day": "D", "week": "W-SUN", "month": "M"}[values["grain"]]
            spans = pd.period_range(values["start"], values["end"], freq=frequency)
            choices["period"] = spans.start_time.as_unit("us")
        keys = [name for name in DIMENSIONS if name in values["by"] and name in choices]
        rows = list(itertools.product(*(choices[key] for key in keys)))
        return pd.DataFrame(rows, columns=keys, index=range(len(rows)))

    def _value(
        self, measure: str, cells: list[int] | None, spans: list[periods.Whole] | None, sites: Sequence[str]
    ) -> float:
        if spans is None or cells is None:
            return np.nan
        at = [(self._period_at[span.grain, span.start], cell) for span in spans for cell in cells]
        found = [float(self.site(site).measures[measure][place]) for site in sites for place in at]
        if measure in _PATIENTS and sum(value != 0 for value in found) > 1:
            return np.nan  # a patient of two parts would count twice
        return sum(found)

    def _parts(self, family: str, measure: str, row: dict[str, Any], values: Mapping[str, Any]) -> list[int] | None:
        """Where the cells are whose sum is asked for, or None where none are shown for it."""
        lines, bands = (
            [row[name]] if row.get(name) is not None else None if set(asked) >= set(every) else list(asked)
            for name, asked, every in (
                ("line", values["lines"], self._holdings.lines),
                ("band", values["bands"], self._holdings.bands),
            )
        )
        effect, severity = row.get("effect"), row.get("severity")
        effects: Iterable[str | None] = [effect]
        if family == "effect" and effect is None:
            if measure != "events" or severity is not None:
                return None  # infusions and patients of several effects don't add up
            if lines is None and bands is None:
                return [self._cell_at[Cell("all")]]
            effects = self._holdings.effects
        cells = [
            Cell("severity" if severity is not None and family == "effect" else family, e, line, band, severity)
            for e in effects
            for line in lines or [None]
            for band in bands or [None]
        ]
        known = all(cell in self._cell_at and measure in _MEASURES[cell.family] for cell in cells)
        return [self._cell_at[cell] for cell in cells] if known else None

    def _decide(self, site: str) -> SiteCounts:
        shape = (len(self.periods), len(self.cells))
        measures = {name: np.zeros(shape) for names in _MEASURES.values() for name in names}
        if not self.periods:
            return SiteCounts(np.zeros(shape, dtype=bool), measures, np.zeros(shape, dtype=bool))
        bound = {"site": site, "start": self.periods[0].start, "end": self.periods[-1].end}
        for question in ("infusions", "effects"):
            self._fill(measures, self._run(question, bound))
        counts = np.zeros(shape, dtype=np.int64)
        small = np.zeros(shape, dtype=bool)
        for i, cell in enumerate(self.cells):
            own = [measures[name][:, i] for name in _MEASURES[cell.family]]
            counts[:, i] = own[0]
            small[:, i] = np.any([(value > 0) & (value <= self.limit) for value in own], axis=0)
        small |= self._hidden_zeros(counts, self._run("groups", bound))
        shown = suppression.shown(counts, small, self._tree(), self._sums(counts), _order(self.cells), self.limit)
        return SiteCounts(shown, {k: np.where(shown, v, np.nan) for k, v in measures.items()}, small)

    def _fill(self, measures: dict[str, FloatArray], frame: pd.DataFrame) -> None:
        dimensions = [name for name in ("effect", "line", "band", "severity") if name in frame.columns]
        for row in frame.astype("object").where(frame.notna(), None).to_dict("records"):
            period = self._period_at.get((row["grain"], pd.Timestamp(row["start"]).date()))
            if period is None:
                continue  # not over yet, or begun before the extract
            restriction = {name: row[name] for name in dimensions}
            for family, names in _MEASURES.items():
                cell = self._cell_at.get(Cell(family, **restriction))
                if cell is not None and names[0] in row:
                    for name in names:
                        measures[name][period, cell] = row[name]

    def _hidden_zeros(self, counts: IntArray, groups: pd.DataFrame) -> BoolArray:
        """Where 0 would tell what it is where it is not 0, by who was asked about side effects."""
        treated: list[dict[tuple[str, str], Treated]] = [{} for _ in self.periods]
        for row in groups.to_dict("records"):
            period = self._period_at.get((row["grain"], pd.Timestamp(row["start"]).date()))
            if period is not None:
                who = Treated(row["asked"], row["first_patient"], row["last_patient"])
                treated[period][row["line"], row["band"]] = who
        kinds = Kinds(
            self._margins(Cell("any")),
            [self._margins(Cell("effect", effect)) for effect in self._holdings.effects],
            [self._margins(Cell(family)) for family in ("severe", "serious")],
        )
        return small_groups.hidden_zeros(counts, kinds, treated, self._tree(), self.limit)

    def _margins(self, cell: Cell) -> Margins:
        """Where the lines and bands of a count are."""
        at, holdings = self._cell_at, self._holdings
        return Margins(
            {line: at[own] for line in holdings.lines if (own := cell._replace(line=line)) in at},
            {band: at[own] for band in holdings.bands if (own := cell._replace(band=band)) in at},
        )

    def _tree(self) -> list[tuple[int, ...]]:
        parts = {"month": None, "quarter": "month", "year": "quarter"}
        return [
            tuple(
                i
                for i, part in enumerate(self.periods)
                if part.grain == parts[period.grain] and period.start <= part.start and part.end <= period.end
            )
            for period in self.periods
        ]

    def _sums(self, counts: IntArray) -> list[FloatArray]:
        """The sums that each period's cells obey, as everybody knows them."""
        always = []
        for i, cell in enumerate(self.cells):
            if cell.line or cell.band or cell.severity:
                continue
            for name in ("line", "band", "severity"):
                parts = [
                    j
                    for j, part in enumerate(self.cells)
                    if getattr(part, name)
                    and part.effect == cell.effect
                    and part.family in {cell.family, "severity" if cell.family == "effect" else cell.family}
                ]
                if parts:
                    always.append(self._sum(i, parts))
        effects = [Cell("effect", effect) for effect in self._holdings.effects]
        always.append(self._sum(self._cell_at[Cell("all")], [self._cell_at[cell] for cell in effects]))
        fixed = np.array(always)
        return [np.vstack([fixed, *self._only_effect(own)]) for own in counts]

    def _only_effect(self, counts: IntArray) -> list[FloatArray]:
        """Where only one effect was seen, its infusions are those with any effect."""
        found = []
        for cell, i in self._cell_at.items():
            if cell.family != "any" or not counts[i]:
                continue
            own = [self._cell_at[Cell("effect", e, cell.line, cell.band)] for e in self._holdings.effects]
            seen = [j for j in own if counts[j]]
            if len(seen) == 1:
                found.append(self._sum(i, seen))
        return found

    def _sum(self, whole: int, parts: list[int]) -> FloatArray:
        row = np.zeros(len(self.cells))
        row[parts], row[whole] = 1.0, -1.0
        return row


def _masked(values: pd.Series, told: pd.Series | BoolArray) -> pd.Series:
    """Numbers as NaN and text as none where they would tell."""
    numbers = pd.api.types.is_numeric_dtype(values)
    return (values.astype("float64") if numbers else values.astype("object")).mask(told)


def _known(columns: list[list[Any]], rows: int) -> list[tuple[Any, ...]]:
    """The rows of columns, with None for whatever stands for no value."""
    if not columns:
        return [()] * rows
    return [
        tuple(None if value is None or value != value else value for value in row)
        for row in zip(*columns, strict=True)
    ]


def _cells(holdings: Holdings) -> list[Cell]:
    found = [Cell(family) for family in _MEASURES if family not in {"effect", "severity"}]
    found += [Cell("effect", effect) for effect in holdings.effects]
    for family in ("any", "severe", "serious"):
        found += [Cell(family, line=line) for line in holdings.lines if family in _BY_LINE]
        found += [Cell(family, band=band) for band in holdings.bands if family in _BY_BAND]
    for effect in holdings.effects:
        found += [Cell("effect", effect, line=line) for line in holdings.lines]
        found += [Cell("effect", effect, band=band) for band in holdings.bands]
        found += [Cell("severity", effect, severity=severity) for severity in SEVERITY_TITLES]
    return found


def _order(cells: list[Cell]) -> list[int]:
    """Totals before their parts, and each effect before their sum, which says less."""
    rank = {"all": 2, "effect": 1}

    def place(cell: Cell) -> tuple[bool, int]:
        return bool(cell.line or cell.band or cell.severity), rank.get(cell.family, 0)

    return sorted(range(len(cells)), key=lambda i: place(cells[i]))
