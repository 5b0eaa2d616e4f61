"""The filter bar and the address that it reads and writes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from html import escape
from types import MappingProxyType
from typing import Literal

import streamlit as st

from dashboard import exports, filters, no_shows, theme
from dashboard.filters import Filters
from dashboard.metrics import METRICS
from dashboard.panels import PANELS, signals, today
from dashboard.panels.column import PERIOD
from dashboard.screen import annotating, own_views
from dashboard.shelf import shelf
from dashboard.warehouse import Reader

#: Which tab is open, on pages that have some.
TABS = ("effects_by", "scores_by")
#: Those of all pages with the bar, in one order.
PARAMETERS = (*filters.PARAMETERS, *exports.PARAMETERS, *TABS)
#: Where a session keeps the period that its address has though nobody chose one.
_UNCHOSEN = "unchosen_period"
#: What it means that nobody has come twice.
_NOBODY = (
    "Of the whole extract. If the import could not tell patients apart, new patients, returns, courses, retention "
    "and worklists of patients say nothing; the page Data shows what the import noted."
)


def address() -> dict[str, list[str]]:
    """The parameters of the address; those of the page before where a page link has dropped them."""
    found = {name: st.query_params.get_all(name) for name in st.query_params}
    if not found and "address" in st.session_state:
        kept: dict[str, list[str]] = st.session_state["address"]
        # A period that nobody chose is the usual one of the page before.
        return {
            name: values for name, values in kept.items() if name != "period" or _UNCHOSEN not in st.session_state
        }
    return found


def keep(chosen: Filters, own: Sequence[str]) -> None:
    """Write the filters to the address, and remember them for the next page."""
    found = address()
    wanted = chosen.query() | {name: found[name] for name in own if found.get(name)}
    if not found.get("period"):
        st.session_state[_UNCHOSEN] = wanted["period"]
    elif found["period"] != st.session_state.get(_UNCHOSEN):
        st.session_state.pop(_UNCHOSEN, None)
    current = {name: st.query_params.get_all(name) for name in st.query_params}
    if current != wanted:
        st.query_params.from_dict(wanted)
    st.session_state["address"] = wanted


def choose(**changes: list[str]) -> None:
    """Put changed parameters into the address; an empty list drops one."""
    if "period" in changes:
        st.session_state.pop(_UNCHOSEN, None)
    wanted = address() | changes
    # In one order, since the browser takes another order for another address.
    st.query_params.from_dict({name: wanted[name] for name in PARAMETERS if wanted.get(name)})


def draw(
    chosen: Filters,
    reader: Reader,
    page: str,
    own: Sequence[str],
    *,
    day: bool,
    by: bool,
    effect: bool,
    figure: bool,
    period: bool = True,
) -> None:
    """The bar: with the period or the day, the sites where there are several, and what else the page asks for.

    `own` are parameters of the page's address beside the filters. Without `period` the page is of the
    last full day alone: nothing but sites can be chosen.
    """
    with st.container(key="filter_bar", horizontal=True, vertical_alignment="center", gap="xsmall"):
        if day:
            _day_picker(chosen)
        elif period:
            _period_picker(chosen)
        if len(chosen.scope.sites) > 1:
            _site_picker(chosen, reader)
        if effect:
            _effect_picker(chosen, reader)
        if figure:
            _figure_picker(chosen, reader)
        if not day and period:
            _option("compare", _comparisons(chosen, reader), chosen.compare, "Compare")
        if period:
            _more(chosen, reader, by=by, day=day, rates=_shows_no_shows(page))
        also = {name: values for name, values in address().items() if name in own}
        if _over_time(page):
            annotating.menu(reader)
        own_views.menu(reader.viewer.username, page, chosen, also, of_day=day, dated=period)
        shown = chosen if period else replace(chosen, day=chosen.scope.last_full_day)
        _extract_date(reader, shown, day=day or not period, rates=_shows_no_shows(page))


def _over_time(page: str) -> bool:
    """Whether charts with a time axis stand on the page."""
    return any(p.resource == page and p.chart and (p.dated or PERIOD in p.columns) for p in PANELS.values())


def _shows_no_shows(page: str) -> bool:
    """Whether a no-show rate stands on the page, or in files taken there."""
    return page == "exports" or any(p.resource == page and p.shows_no_shows for p in PANELS.values())


def parts(chosen: Filters) -> None:
    """Which of many sites are drawn, and the ones before and after."""
    now = min(chosen.part, chosen.parts)
    names = f"{chosen.part_text()}. Charts show {filters.PART} at a time, tables and files all."
    with st.container(key="site_parts", horizontal=True, vertical_alignment="center", gap="small"):
        for label, to in (("Previous", now - 1), ("Next", now + 1)):
            st.button(
                f"{label} sites",
                key=f"part_{label}",
                disabled=not 1 <= to <= chosen.parts,
                on_click=choose,
                kwargs={"part": [str(to)]},
            )
        st.html(f'<p class="extract">{names}</p>')


def turn_to(page: str) -> None:
    """Say which page is drawn: widgets of another are others, also where they have the same key."""
    if st.session_state.get("page") != page:
        st.session_state["page"] = page
        st.session_state["offered"] = {}


def put(key: str, value: object, *offered: object) -> str:
    """Set a widget to what the address says, before it is drawn.

    One that says so already and offers the same as before is left alone: what is set is drawn anew by a browser, and
    once more after all else.
    """
    before: dict[str, tuple[object, ...]] = st.session_state.setdefault("offered", {})
    if before.get(key) != offered or key not in st.session_state or st.session_state[key] != value:
        st.session_state[key] = value
        before[key] = offered
    return key


def _option(
    name: str,
    options: dict[str, str],
    value: str,
    label: str,
    width: int | Literal["stretch"] = 235,
    *,
    about: str | None = None,
) -> None:
    """A choice of one; in the bar its value says what it is, in the menu of filters its label stands above it."""
    key = put(f"filter_{name}", value, *options.items())
    st.selectbox(
        label,
        list(options),
        format_func=lambda option: options.get(option, option),
        key=key,
        label_visibility="visible" if width == "stretch" else "collapsed",
        width=width,
        help=about,
        on_change=lambda: choose(**{name: [st.session_state[key]]}),
    )


def _day_picker(chosen: Filters) -> None:
    key = put("filter_day", chosen.day, *_days(chosen))

    def apply() -> None:
        if st.session_state[key]:
            choose(day=[st.session_state[key].isoformat()])

    _calendar(chosen, "Day", key, 150, apply)


def _period_picker(chosen: Filters) -> None:
    _option("period", filters.PERIODS, chosen.period, "Period", 150)
    if chosen.period != "custom":
        return
    key = put("filter_dates", (chosen.start, chosen.end), *_days(chosen))

    def apply() -> None:
        # Between the two clicks there is only a first day.
        if len(st.session_state[key]) == 2:
            start, end = st.session_state[key]
            choose(period=["custom"], **{"from": [start.isoformat()], "to": [end.isoformat()]})

    _calendar(chosen, "Dates", key, 220, apply)


def _days(chosen: Filters) -> tuple[dt.date, dt.date]:
    return chosen.scope.first_day, chosen.scope.last_day


def _calendar(chosen: Filters, label: str, key: str, width: int, apply: Callable[[], None]) -> None:
    first, last = _days(chosen)
    st.date_input(
        label,
        key=key,
        min_value=first,
        max_value=last,
        format="YYYY-MM-DD",
        label_visibility="collapsed",
        width=width,
        on_change=apply,
    )


def _site_picker(chosen: Filters, reader: Reader) -> None:
    everything = chosen.sites == chosen.scope.sites
    names = [reader.catalogue.site_name(site) for site in chosen.scope.sites]
    key = put("filter_site", [] if everything else list(chosen.sites), *names)
    st.multiselect(
        "Sites",
        chosen.scope.sites,
        format_func=reader.catalogue.site_name,
        key=key,
        placeholder="All sites" if len(names) == len(reader.catalogue.sites) else "All your sites",
        label_visibility="collapsed",
        width=190,
        wrap=False,
        on_change=lambda: choose(site=[filters.slug(s) for s in st.session_state[key]], part=[]),
    )


def _effect_picker(chosen: Filters, reader: Reader) -> None:
    names = {filters.slug(effect): signals.effect_title(reader, effect) for effect in ("", *chosen.scope.effects)}
    _option("effect", names, filters.slug(chosen.effect), "Side effect", 200)


def _figure_picker(chosen: Filters, reader: Reader) -> None:
    names = {
        filters.slug(name): f"Chart: {METRICS[no_shows.in_use(name, chosen.no_shows)].title}"
        for name in today.figures_of(reader)
    }
    shown = filters.slug(no_shows.plain(today.figure_of(reader, chosen)))
    _option("figure", names, shown, "Chart of", 230)


def _comparisons(chosen: Filters, reader: Reader) -> dict[str, str]:
    """What a period can be compared with: other periods and, where there are several, another site."""
    sites = chosen.scope.sites if len(chosen.scope.sites) > 1 else ()
    named = {
        filters.SITE_PREFIX + filters.slug(site): f"Against {reader.catalogue.site_name(site)}" for site in sites
    }
    return filters.COMPARISONS | named


def _more(chosen: Filters, reader: Reader, *, by: bool, day: bool, rates: bool) -> None:
    second = not day and chosen.also != "none"
    other = rates and chosen.no_shows != no_shows.HEADLINE
    active = bool(chosen.lines) + bool(chosen.bands) + (by and chosen.by != filters.DEFAULT_GRAIN) + second + other
    with st.popover(f"More filters ({active})" if active else "More filters", icon=":material/tune:"):
        _several("line", "Service lines", chosen.scope.lines, chosen.lines, theme.line_title)
        groups = _groups(reader, chosen.scope.bands)
        _several("band", "Age bands", chosen.scope.bands, chosen.bands, partial(_band_title, groups), groups)
        if by:
            _option("by", filters.GRAINS, chosen.by, "Trend by", "stretch")
        if not day:
            _option("also", _comparisons(chosen, reader), chosen.also, "Second comparison", "stretch")
        if rates:
            about = no_shows.DEFINITIONS[chosen.no_shows].definition
            words = {name: one.told for name, one in no_shows.DEFINITIONS.items()}
            _option("no-shows", words, chosen.no_shows, "No-show rate, everywhere", "stretch", about=about)


def _groups(reader: Reader, bands: Sequence[str]) -> dict[str, list[str]]:
    """The age groups by name, with their bands."""
    members: dict[str, list[str]] = {}
    for band in bands:
        members.setdefault(reader.catalogue.groups[band], []).append(band)
    return {group: own for group, own in members.items() if own != [group]}


def _band_title(groups: Mapping[str, Sequence[str]], name: str) -> str:
    """An age band, or a group with the bands that it stands for."""
    return f"{name}: {', '.join(groups[name])}" if name in groups else name


def _several(
    name: str,
    label: str,
    options: tuple[str, ...],
    value: tuple[str, ...],
    title: Callable[[str], str],
    together: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> None:
    """A choice of several; of `together` each stands for the options that it names."""
    offered = (*together, *options)
    key = put(f"filter_{name}", list(value), *offered)

    def changed() -> None:
        named = [one for v in st.session_state[key] for one in together.get(v, [v])]
        choose(**{name: [filters.slug(one) for one in dict.fromkeys(named)]})

    st.multiselect(
        label,
        offered,
        format_func=title,
        key=key,
        placeholder="All",
        on_change=changed,
    )


def _extract_date(reader: Reader, chosen: Filters, *, day: bool, rates: bool) -> None:
    catalogue = reader.catalogue
    about = f"{chosen.day:%A} {filters.day_text(chosen.day)}" if day else chosen.period_text()
    earliest = chosen.day if day else chosen.start
    for also in () if day else (False, True):
        if before := chosen.compared(also=also):
            earliest = min(earliest, before.start)
            about += f", against {chosen.against_text(before)}"
        elif site := chosen.compared_site(also=also):
            about += f", against {catalogue.site_name(site)}"
        elif chosen.lacks_comparison(also=also):
            earliest = min(earliest, chosen.start - dt.timedelta(days=1))
            about += ", nothing before to compare with"
    if rates and chosen.no_shows != no_shows.HEADLINE:
        about += f", no-show rate {no_shows.DEFINITIONS[chosen.no_shows].words}"
    # Days before the first one would be read as days without bookings.
    begin = f"from <b>{filters.day_text(catalogue.first_day)}</b> " if earliest < catalogue.first_day else ""
    demo = '<span class="demo">Demo data</span>' if catalogue.demo else ""
    warning = shelf().warning
    alert = f'<span class="alert" title="{escape(warning)}">Newer data could not be read</span>' if warning else ""
    nobody = f'<span class="alert" title="{escape(_NOBODY)}">No patient has come twice</span>'
    alone = nobody if reader.query("nobody_returned")["nobody_returned"].iloc[0] else ""
    st.html(
        f'<p class="extract">{escape(about)}<br>{demo}{alert}{alone}'
        f"Data {begin}to <b>{filters.day_text(catalogue.last_full_day)}</b>, "
        f"extract of {filters.day_text(catalogue.built_at.date())}, {catalogue.built_at:%H:%M} UTC</p>"
    )
