"""What pages are made of: opened for a viewer, then panel after panel. Draws; computes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import pandas as pd
import streamlit as st

from dashboard import access, chart_notes, charts, choosing, exports, filters, panels, pictures, theme, unknown
from dashboard.ahead import Dated, Wish, ahead
from dashboard.filters import Filters
from dashboard.panels import PANELS, Column, Panel, look_of, rows
from dashboard.screen import filter_bar, identity
from dashboard.screen.recording import on_record
from dashboard.screen.tables import table, verbatim
from dashboard.shelf import shelf
from dashboard.state import store_in_force
from dashboard.state.chart_marks import ChartMarks
from dashboard.warehouse import Reader
from dashboard.wording import unbroken


@dataclass(frozen=True)
class View:
    """An open page: who looks, at what, how it looks."""

    reader: Reader
    filters: Filters
    look: charts.Look
    #: What of it is chosen in its filter bar; None where it has none.
    dated: Dated | None = None

    @property
    def mode(self) -> theme.Mode:
        """Light or dark."""
        return self.look.mode

    @property
    def one_site(self) -> bool:
        """Whether the page is of one site alone."""
        return len(self.filters.sites) == 1

    def show(self, *names: str) -> None:
        """Panels beside each other, below each other on a phone."""
        # Not columns, which are more blocks for a browser to go through.
        place = st.container(horizontal=True, key=f"row_{names[0]}") if len(names) > 1 else st
        for name in names:
            with place.container(border=True, key=f"panel_{name}", height="stretch"):
                _panel(self, name, [True])
            if self.dated is not None:
                ahead().wish(Wish(self.reader, name, self.filters, self.mode, self.dated))

    def show_one(self, parameter: str, choices: Mapping[str, Sequence[str]]) -> None:
        """One of several choices of panels side by side, by title, as tabs: the others aren't worked out.

        `parameter` is the choice in the page's address; the first where it isn't there.
        """
        titles = {filters.slug(title): title for title in choices}
        first, *_ = titles
        asked = next((name for name in filter_bar.address().get(parameter, ()) if name in titles), first)
        key = filter_bar.put(f"tabs_{parameter}", titles[asked], *choices)

        def choose() -> None:
            chosen = filters.slug(st.session_state[key])
            filter_bar.choose(**{parameter: [] if chosen == first else [chosen]})

        for tab, names in zip(st.tabs(list(choices), key=key, on_change=choose), choices.values(), strict=True):
            if tab.open:
                with tab:
                    self.show(*names)

    def show_if_open(self, name: str) -> None:
        """A panel that only some of the page's viewers may see."""
        if access.allows(self.reader.viewer, PANELS[name].resource):
            self.show(name)

    def show_if_any(self, *names: str) -> None:
        """Panels of a kind of delivery: only where this one was of that kind."""
        for name in names:
            if len(rows(self.reader, name, self.filters)):
                self.show(name)


def mode() -> theme.Mode:
    """The browser's theme."""
    return "dark" if st.context.theme.type == "dark" else "light"


def open_page(
    resource: str,
    *,
    day: bool = False,
    by: bool = False,
    bar: bool = True,
    effect: bool = False,
    figure: bool = False,
    period: bool = True,
    usual: str = filters.DEFAULT_PERIOD,
    own: Sequence[str] = (),
) -> View:
    """Check the viewer, read the address, draw the filter bar.

    Args:
        resource: the page's own name in `access.RESOURCES`.
        day: the page is of one day instead of a period.
        by: the page has charts by day, week or month.
        bar: whether it has a filter bar at all.
        effect: the page has charts of one side effect.
        figure: the page has a chart of one of the day's figures.
        period: the page is of a day or a period; else of the extract's last full day.
        usual: its period where nobody has chosen one.
        own: parameters of its address beside the filters.
    """
    viewer = access.require(identity.current_viewer(), resource)
    filter_bar.turn_to(resource)
    # What people wrote on charts; Exports has the tables of the page Signals.
    marks = ChartMarks(store_in_force()).in_force() if bar else ()
    reader = Reader(shelf().current(), viewer, marks)
    if not reader.sites:
        st.warning(
            "No site of this extract is open to your account. Ask an administrator to check your sites: "
            "`dashboard users list` shows them."
        )
        st.stop()
    if bar and shelf().warning:
        built = filters.day_text(reader.catalogue.built_at.date())
        st.warning(f"Newer data cannot be read, so the extract of {built} is shown. The page Data says what to do.")
    scope = exports.scope_of(reader)
    chosen = filters.parse(filter_bar.address(), scope, usual)
    if bar:
        filter_bar.draw(chosen, reader, resource, own, day=day, by=by, effect=effect, figure=figure, period=period)
        _left_out(resource, reader, chosen, dated=day or period, of_day=day)
        _whole_periods(resource, reader, chosen)
        if chosen.parts > 1 and pictures.turns(resource):
            filter_bar.parts(chosen)
    if refused := filters.refused_sites(filter_bar.address(), reader.catalogue.sites, scope):
        on_record("refused", viewer, "denied", f"page {resource}", sites=refused)
    about = chosen.described(of_day=day) if bar else {}
    on_record("page", viewer, "view", resource, **about, extract=reader.catalogue.name)
    filter_bar.keep(chosen, own)
    dated: Dated | None = None if not bar else "day" if day else "period" if period else ""
    return View(reader, chosen, look_of(reader.catalogue, chosen, mode()), dated)


def _left_out(resource: str, reader: Reader, chosen: Filters, *, dated: bool, of_day: bool) -> None:
    """What of the address there isn't, told for as long as the page is of what was made of it."""
    others = [site for site in reader.catalogue.sites if site not in reader.sites]
    here = (resource, chosen.address())
    # The address has lost it by the page's next run, which a browser may ask for at once.
    asked = filter_bar.address()
    if words := unknown.left_out(asked, filter_bar.PARAMETERS, chosen.scope, others, dated=dated, of_day=of_day):
        st.session_state["left_out"] = (here, words)
    told, words = st.session_state.get("left_out", (None, ""))
    if told == here:
        st.warning(verbatim(words))
    else:
        st.session_state.pop("left_out", None)


def _whole_periods(resource: str, reader: Reader, chosen: Filters) -> None:
    """One line on a page all of whose panels are of whole periods for this viewer."""
    own = [panel for panel in PANELS.values() if panel.resource == resource]
    if own and all(panel.whole for panel in own) and (words := _small_counts(reader, own[0], chosen)):
        st.html(f'<p class="small-counts">{words}</p>')


def _small_counts(reader: Reader, panel: Panel, chosen: Filters) -> str:
    """Which whole periods are shown and what is hidden; empty for who sees every count."""
    shown = panels.asked(reader, panel.name, chosen)
    if shown is chosen:
        return ""
    about = shown.period_text()
    if before := shown.compared():
        about += f", against {before.period_text()}"
    limit = reader.warehouse.small_counts.limit
    return (
        f"Whole months or quarters: <b>{about}</b>. Counts of side effects from 1 to {limit}, and others that "
        "would give one away, are hidden from your account."
    )


@st.fragment
def _panel(view: View, name: str, just_opened: list[bool]) -> None:
    panel = panels.panel_of(name, view.filters)
    # A fragment runs again without the page's script, so it asks who is looking; at first the page just has.
    if not just_opened and identity.current_viewer() != view.reader.viewer:
        st.rerun()
    just_opened.clear()
    frame = panels.on_page(view.reader, name, view.filters)
    heading = panels.heading(view.reader, name, view.filters)
    # A chart carries its own title: without an answer it needs no second one.
    if panel.answer or not (panel.chart or panel.html):
        st.html(f'<h2 class="answer">{escape(unbroken(heading))}</h2>')
    _draw(view, panel, frame, heading)
    _foot(view, panel, frame)
    if not (panel.chart or panel.html):
        return
    # Nothing is sent for a closed table.
    opened = st.expander("Table", key=f"table_{name}", on_change="rerun", type="compact")
    if opened.open:
        with opened:
            table(frame, _columns(view, panel, frame), heading)


def _draw(view: View, panel: Panel, frame: pd.DataFrame, heading: str) -> None:
    if panel.html:
        st.html(pictures.html(view.reader, panel, view.filters))
        return
    if panel.chart is None:
        # An empty table says less than words, and a heading that says that there is nothing needs neither.
        if not len(frame) and not panel.answer:
            chosen = f"Nothing to show for these filters. {_instead(view, panel)}".strip()
            st.info("None in this extract." if view.dated is None else chosen)
        elif len(frame):
            shown = panels.shown(view.reader, panel.name, view.filters)
            every = panels.length(view.reader, panel.name, view.filters)
            table(shown, _columns(view, panel, shown), heading, len(shown) if panel.short else every)
            if panel.short and len(shown) < every:
                st.caption(f"In short: what is worth a look, and the rest together. The CSV has all {every:,} lines.")
        return
    if "hidden" in frame and (frame["hidden"] == "hidden").any() and not (frame["value"] > 0).any():
        _nothing(
            view,
            panel,
            "Every count above 0 is hidden for these filters. Choose a longer period, or fewer filters.",
        )
        return
    if not len(frame):
        _nothing(view, panel, f"Nothing to show for these filters. {_instead(view, panel)}")
        return
    if {"value"} == {"value", "lower", "denominator"} & set(frame) and not frame["value"].fillna(0).any():
        # Bars of nothing; a rate of 0 is drawn, with what it may be at most.
        _nothing(view, panel, f"Nothing to show for these filters. {_instead(view, panel)}")
        return
    if ("value" in frame and frame["value"].isna().all()) or not panel.enough(frame):
        _nothing(view, panel, f"Too few in every group to draw any. {_instead(view, panel)}")
        return
    found = pictures.pictures(view.reader, panel.name, view.filters, view.mode)
    if len(found.charts) == 1 and not found.charts[0].caption:
        [one] = found.charts
        # Not the answer, which stands above: a chart with another description is drawn from scratch.
        st.vega_lite_chart(one.rows, one.body, alt=panel.title, key=f"chart_{panel.name}")
    if not found.titled and not panel.answer:
        st.html(f'<h2 class="answer">{escape(panel.title)}</h2>')
    # Of one site the headings name it.
    alone = view.reader.catalogue.site_name(view.filters.sites[0]) if view.one_site else ""
    if found.charts and found.charts[0].caption:
        place = st.container(key=f"charts_{found.beside}_{panel.name}")
        for one in found.charts:
            with place.container():
                if one.caption != alone:
                    st.caption(f"**{verbatim(one.caption)}**")
                alt = f"{panel.title}, {one.caption}."
                st.vega_lite_chart(one.rows, one.body, alt=alt, key=f"chart_{panel.name}_{one.caption}")
    _notes(found.notes)


def _instead(view: View, panel: Panel) -> str:
    return choosing.instead(view.filters, view.dated, history=panel.history)


def _nothing(view: View, panel: Panel, why: str) -> None:
    """Says why no chart is drawn, and where the page has a longer period that would show more, leads there."""
    if not panel.answer:
        # Else the chart would have told it.
        st.html(f'<h2 class="answer">{escape(panel.title)}</h2>')
    st.info(why.strip())
    longer = view.filters.longer() if view.dated == "period" and not panel.history else None
    if longer and st.button(f"Show the {filters.PERIODS[longer].lower()}", key=f"longer_{panel.name}"):
        filter_bar.choose(period=[longer])
        st.rerun()


def _columns(view: View, panel: Panel, frame: pd.DataFrame) -> tuple[Column, ...]:
    """The columns of a panel's table: none that only names the one site, or that says of no row what is hidden."""
    idle = {"site"} if view.one_site else set()
    if not _hidden(frame):
        idle.add(panels.HIDDEN.name)
    return tuple(c for c in panels.columns(view.reader, panel.name, view.filters) if c.name not in idle)


def _hidden(frame: pd.DataFrame, *, whole: bool = False) -> int:
    """Rows in which anything is hidden from the viewer; `whole` counts those whose own count is."""
    if panels.HIDDEN.name not in frame:
        return 0
    words = frame[panels.HIDDEN.name]
    return int((words == "hidden").sum() if whole else (words != "").sum())


def _notes(notes: list[chart_notes.Note]) -> None:
    """What the numbered lines of a chart stand for."""
    if notes:
        items = "".join(f"<li><b>{note.label}</b> {escape(note.words)}</li>" for note in notes)
        st.html(f'<div class="annotations"><p>Annotations</p><ul>{items}</ul></div>')


def _foot(view: View, panel: Panel, frame: pd.DataFrame) -> None:
    """The definition in one line, more of them folded, and the file."""
    shown = set(frame["metric"]) if "metric" in frame else set(panel.metrics)
    metrics = [metric for metric in panel.definitions() if metric.name in shown]
    said = panels.note(view.reader, panel.name, view.filters)
    lines = [f"<p>{escape(said)}</p>"] if said else []
    if len(metrics) <= 2:
        lines += [f"<p><b>{escape(m.title)}:</b> {escape(m.definition)}</p>" for m in metrics]
    else:
        items = "".join(f"<dt>{escape(m.title)}</dt><dd>{escape(m.definition)}</dd>" for m in metrics)
        lines.append(f"<details><summary>Definitions</summary><dl>{items}</dl></details>")
    own_line = {p.resource for p in PANELS.values() if not p.whole}
    if panel.whole and panel.resource in own_line and (words := _small_counts(view.reader, panel, view.filters)):
        lines.insert(0, f"<p>{words}</p>")
    if panel.chart and (hidden := _hidden(frame, whole=True)):
        # A place without a mark would be read as none.
        lines.insert(0, f"<p>{hidden:,} of {len(frame):,} counts are hidden, and not drawn.</p>")
    link = csv_link(panel.name, view.filters, panel.title)
    st.html(f'<div class="foot"><div>{"".join(lines)}</div>{link}</div>')


def csv_link(name: str, chosen: Filters, title: str) -> str:
    """A link to the panel's file with the filters in force."""
    return (
        f'<a class="file" href="/export/{name}.csv?{escape(chosen.address())}" target="_self" '
        f'download aria-label="CSV of {escape(title)}">CSV</a>'
    )
