"""What a page is asked to show, and its address: parsed from the query string, never trusted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from dashboard import no_shows

#: Period presets, by the word in the address, with their labels. Every one ends on the
#: extract's last full day, so that no part day looks like a fall.
PERIODS = {
    "7-days": "Last 7 days",
    "28-days": "Last 28 days",
    "90-days": "Last 90 days",
    "12-months": "Last 12 months",
    "this-month": "This month",
    "last-month": "Last month",
    "this-year": "This year",
    "custom": "Choose dates",
}
COMPARISONS = {
    "none": "No comparison",
    "previous": "Against the previous period",
    "last-year": "Against the same period last year",
    "same-weekdays": "Against the same weekdays before",
    "last-year-weekdays": "Against the same weekdays last year",
}
#: What a choice of another site to compare with begins with; the site follows.
SITE_PREFIX = "site-"
#: What is offered where a period has too little to show, from the shortest.
LONGER = ("90-days", "12-months")
GRAINS = {"auto": "Automatic", "day": "By day", "week": "By week", "month": "By month"}

DEFAULT_PERIOD = "28-days"
DEFAULT_COMPARISON = "previous"
DEFAULT_GRAIN = "auto"
#: So many sites are drawn at a time.
PART = 12

#: Every parameter of an address, in order.
PARAMETERS = (
    "period", "from", "to", "day", "compare", "also", "site", "line", "band", "by", "effect", "figure", "no-shows",
    "part",
)  # fmt: skip

Parameters = Mapping[str, Sequence[str]]


def slug(text: str) -> str:
    """A name as it stands in an address: lower case, letters, digits and hyphens.

    >>> slug("12–17"), slug("85+"), slug("Under 12"), slug("miami_beach")
    ('12-17', '85-plus', 'under-12', 'miami-beach')
    """
    text = text.lower().replace("+", "-plus").replace("–", "-").replace("_", "-")
    return "".join(c if c.isalnum() or c == "-" else "-" for c in text)


@dataclass(frozen=True)
class Scope:
    """What may be asked for: the days of the extract and the viewer's own sites."""

    first_day: dt.date
    last_day: dt.date
    last_full_day: dt.date
    sites: tuple[str, ...]
    lines: tuple[str, ...]
    bands: tuple[str, ...]
    effects: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Filters:
    """One choice of the filter bar, within its scope.

    `start` and `end` are both inclusive local dates. `sites` is never empty; `lines` and `bands`
    are empty for "all"; `effect` is empty for any side effect, `figure` for the one that stands out.
    `no_shows` names the definition of the no-show rate (`no_shows.DEFINITIONS`); `part`, from 1, is which of the
    sites are drawn, PART at a time.
    A period of "whole" is in no address: it is what `periods.whole` makes.
    """

    scope: Scope
    period: str
    start: dt.date
    end: dt.date
    day: dt.date
    compare: str
    sites: tuple[str, ...]
    lines: tuple[str, ...]
    bands: tuple[str, ...]
    by: str
    effect: str = ""
    figure: str = ""
    also: str = "none"
    no_shows: str = no_shows.HEADLINE
    part: int = 1

    @property
    def days(self) -> int:
        """Length of the period in days, both ends counted."""
        return (self.end - self.start).days + 1

    @property
    def grain(self) -> str:
        """`day`, `week` or `month`: as chosen, or what gives a readable number of points."""
        if self.by != "auto":
            return self.by
        return "day" if self.days <= 35 else "week" if self.days <= 200 else "month"

    @property
    def parts(self) -> int:
        """How many times PART sites there are, the last time maybe fewer."""
        return -(-len(self.sites) // PART)

    @property
    def sites_drawn(self) -> tuple[str, ...]:
        """The sites that charts show at a time."""
        start = (min(self.part, self.parts) - 1) * PART
        return self.sites[start : start + PART]

    def part_text(self) -> str:
        """Which of the sites are drawn, as "Sites 13 to 24 of 60"."""
        start = (min(self.part, self.parts) - 1) * PART
        return f"Sites {start + 1} to {start + len(self.sites_drawn)} of {len(self.sites)}"

    def compared_site(self, *, also: bool = False) -> str | None:
        """The site to compare with, or None."""
        asked = self.also if also else self.compare
        return next((site for site in self.scope.sites if asked == SITE_PREFIX + slug(site)), None)

    def compared(self, *, also: bool = False) -> Filters | None:
        """The filters of the period to compare with, or None; with `also` of the second comparison.

        Of a time before the extract begins nothing is known, so that nothing is compared with it.
        """
        asked = self.also if also else self.compare
        if self.period == "whole" and asked in COMPARISONS and asked != "none":
            # Whole calendar periods: by months, since days would cut into them.
            after = self.end + dt.timedelta(days=1)
            back = 12 if asked.startswith("last-year") else _months(self.start, after)
            start, end = months_back(self.start, back), months_back(after, back) - dt.timedelta(days=1)
        elif asked == "previous":
            after = self.end + dt.timedelta(days=1)
            if self.period in {"this-month", "this-year"}:
                back = 12 if self.period == "this-year" else 1
                start, end = months_back(self.start, back), months_back(self.end, back)
            else:
                end = self.start - dt.timedelta(days=1)
                start = end - dt.timedelta(days=self.days - 1)
                if self.period in {"custom", "last-month"} and self.start.day == after.day == 1:
                    # Whole months are held against whole months.
                    start = months_back(self.start, _months(self.start, after))
        elif asked == "last-year":
            start, end = months_back(self.start, 12), months_back(self.end, 12)
        elif asked in {"same-weekdays", "last-year-weekdays"}:
            weeks = 52 if asked == "last-year-weekdays" else -(-self.days // 7)
            start, end = (day - dt.timedelta(weeks=weeks) for day in (self.start, self.end))
        else:
            return None
        if end < self.scope.first_day:
            return None
        period = "whole" if self.period == "whole" else "custom"
        return replace(self, period=period, start=start, end=end, compare="none", also="none")

    def against_text(self, before: Filters) -> str:
        """A period to compare with in words, with its length where that is another."""
        uneven = f" ({before.days} days, not {self.days})" if before.days != self.days else ""
        return before.period_text() + uneven

    def lacks_comparison(self, *, also: bool = False) -> bool:
        """Whether a period is asked for to compare with, and lies before the extract."""
        asked = self.also if also else self.compare
        return asked in COMPARISONS and asked != "none" and self.compared(also=also) is None

    def cut_text(self) -> str:
        """Which of the weeks or months at both ends of the period lie in it in part, and for how many days; or empty.

        What is counted in them is less for that alone.
        """
        if self.grain == "day":
            return ""
        told = {}
        for name, day in (("first", self.start), ("last", self.end)):
            if self.grain == "week":
                first = day - dt.timedelta(days=day.weekday())
                whole = 7
            else:
                first = day.replace(day=1)
                whole = (months_back(first, -1) - first).days
            held = (min(first + dt.timedelta(days=whole - 1), self.end) - max(first, self.start)).days + 1
            if held < whole:
                one = self.grain if first in told else f"{name} {self.grain}"
                told[first] = f"the {one} has {held} of {whole} days"
        return f"{'; '.join(told.values()).capitalize()}." if told else ""

    def at(self, *sites: str) -> Filters:
        """The same at these sites only."""
        return replace(self, sites=sites)

    def on(self, start: dt.date, end: dt.date) -> Filters:
        """The same over other days."""
        return replace(self, period="custom", start=start, end=end)

    def values(self) -> dict[str, object]:
        """What most queries bind: start, end, sites, lines and bands ("all" spelled out)."""
        return {
            "start": self.start,
            "end": self.end,
            "sites": self.sites,
            "lines": self.lines or self.scope.lines,
            "bands": self.bands or self.scope.bands,
        }

    def query(self) -> dict[str, list[str]]:
        """The parameters of the address; what stands at its default is left out.

        The period is always there, so that an address without any is one that still has none.
        """
        found = {"period": [self.period]}
        if self.period == "custom":
            found["from"], found["to"] = [self.start.isoformat()], [self.end.isoformat()]
        if self.day != self.scope.last_full_day:
            found["day"] = [self.day.isoformat()]
        if self.compare != DEFAULT_COMPARISON:
            found["compare"] = [self.compare]
        if self.also != "none":
            found["also"] = [self.also]
        if self.sites != self.scope.sites:
            found["site"] = [slug(s) for s in self.sites]
        if self.lines:
            found["line"] = [slug(s) for s in self.lines]
        if self.bands:
            found["band"] = [slug(s) for s in self.bands]
        if self.by != DEFAULT_GRAIN:
            found["by"] = [self.by]
        if self.effect:
            found["effect"] = [slug(self.effect)]
        if self.figure:
            found["figure"] = [slug(self.figure)]
        if self.no_shows != no_shows.HEADLINE:
            found["no-shows"] = [self.no_shows]
        if 1 < self.part <= self.parts:
            found["part"] = [str(self.part)]
        return found

    def described(self, *, of_day: bool) -> dict[str, object]:
        """The choice as it goes on record: dates spelled out, sites always, the rest where it is chosen."""
        period = {"day": self.day} if of_day else {"from": self.start, "to": self.end}
        chosen = {
            "lines": self.lines, "bands": self.bands, "effect": self.effect, "figure": self.figure,
            "no_shows": "" if self.no_shows == no_shows.HEADLINE else self.no_shows,
        }  # fmt: skip
        return {**period, "sites": self.sites, **{key: value for key, value in chosen.items() if value}}

    def address(self) -> str:
        """`query` as the text behind the question mark."""
        return urlencode(self.query(), doseq=True)

    def longer(self) -> str | None:
        """The shortest of `LONGER` that has all days of the period and more."""
        for period in LONGER:
            start, end = _span(period, {}, self.scope)
            if start < self.start and end >= self.end:
                return period
        return None

    def period_text(self) -> str:
        """The period in words, as "1 Oct 2026 to 28 Oct 2026"."""
        if self.start == self.end:
            return day_text(self.start)
        return f"{day_text(self.start)} to {day_text(self.end)}"


def day_text(day: dt.date) -> str:
    """A date as staff read it, without a leading zero."""
    return f"{day.day} {day:%b %Y}"


def parse(parameters: Parameters, scope: Scope, usual: str = DEFAULT_PERIOD) -> Filters:
    """Read an address. What is unknown, malformed or outside falls to its default, a period to `usual`."""
    period = _one_of(parameters, "period", PERIODS, usual)
    start, end = _span(period, parameters, scope)
    sites = _some_of(parameters, "site", scope.sites)
    lines = _some_of(parameters, "line", scope.lines)
    bands = _some_of(parameters, "band", scope.bands)
    compare = (*COMPARISONS, *(SITE_PREFIX + slug(site) for site in scope.sites))
    return Filters(
        scope=scope,
        period=period,
        start=start,
        end=end,
        day=_day(parameters, "day", scope, scope.last_full_day),
        compare=_one_of(parameters, "compare", compare, DEFAULT_COMPARISON),
        sites=sites or scope.sites,
        lines=() if lines == scope.lines else lines,
        bands=() if bands == scope.bands else bands,
        by=_one_of(parameters, "by", GRAINS, DEFAULT_GRAIN),
        effect=next(iter(_some_of(parameters, "effect", scope.effects)), ""),
        also=_one_of(parameters, "also", compare, "none"),
        figure=next(iter(_some_of(parameters, "figure", scope.figures)), ""),
        no_shows=_one_of(parameters, "no-shows", no_shows.DEFINITIONS, no_shows.HEADLINE),
        part=_part(parameters, len(sites or scope.sites)),
    )


def refused_sites(parameters: Parameters, sites: Iterable[str], scope: Scope) -> tuple[str, ...]:
    """Those of the extract's sites that an address asks for outside the scope."""
    return _some_of(parameters, "site", (site for site in sites if site not in scope.sites))


def first(parameters: Parameters, name: str) -> str:
    """The first value of a parameter; empty where it has none."""
    values = parameters.get(name) or [""]
    return values[0]


def _span(period: str, parameters: Parameters, scope: Scope) -> tuple[dt.date, dt.date]:
    last = scope.last_full_day
    if period == "custom":
        end = _day(parameters, "to", scope, last)
        start = _day(parameters, "from", scope, end - dt.timedelta(days=27))
        return (start, end) if start <= end else (end, start)
    if period == "this-month":
        return last.replace(day=1), last
    if period == "this-year":
        return last.replace(month=1, day=1), last
    if period == "last-month":
        end = last.replace(day=1) - dt.timedelta(days=1)
        return end.replace(day=1), end
    if period == "12-months":
        return months_back(last, 12) + dt.timedelta(days=1), last
    return last - dt.timedelta(days=int(period.split("-")[0]) - 1), last


def months_back(day: dt.date, months: int) -> dt.date:
    """The same day of an earlier month; its last day where there is no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    month += 1
    following = dt.date(year + month // 12, month % 12 + 1, 1)
    return dt.date(year, month, min(day.day, (following - dt.timedelta(days=1)).day))


def _months(start: dt.date, after: dt.date) -> int:
    """Calendar months from one first day of a month to another."""
    return 12 * (after.year - start.year) + after.month - start.month


def _one_of(parameters: Parameters, name: str, options: Iterable[str], default: str) -> str:
    value = first(parameters, name)
    return value if value in options else default


def _some_of(parameters: Parameters, name: str, options: Iterable[str]) -> tuple[str, ...]:
    wanted = {slug(value) for value in parameters.get(name) or ()}
    return tuple(option for option in options if slug(option) in wanted)


def _part(parameters: Parameters, sites: int) -> int:
    value = first(parameters, "part")
    number = int(value) if value.isascii() and value.isdigit() and len(value) < 5 else 1
    return number if 1 <= number <= -(-sites // PART) else 1


def _day(parameters: Parameters, name: str, scope: Scope, default: dt.date) -> dt.date:
    try:
        day = dt.date.fromisoformat(first(parameters, name))
    except ValueError:
        return max(default, scope.first_day)
    return min(max(day, scope.first_day), scope.last_day)
