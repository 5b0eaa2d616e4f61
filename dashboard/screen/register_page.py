"""The signal register's pieces: opening a signal, the list, one signal with its next step, notices."""

from __future__ import annotations

import datetime as dt
from html import escape
from urllib.parse import urlencode

import streamlit as st

from dashboard import access, filters, panels, theme
from dashboard.reports import document, dossier
from dashboard.screen import identity, page, recording, tables
from dashboard.state import StateError, store_in_force
from dashboard.state.register import DECIDE, NOTICE, READ, SHORTEST_RATIONALE, STEPS, Register, Signal, next_steps
from dashboard.wording import plural, unbroken

REVIEW = "safety_review"
#: The next step is due so long after the present one, unless the person says otherwise.
DUE_DAYS = 14
PARAMETER = "signal"


def register() -> Register:
    """The register of this process's store."""
    return Register(store_in_force())


def notices(view: page.View) -> None:
    """That signals are open at the viewer's sites; what they are about stands in the register."""
    viewer = view.reader.viewer
    if not access.allows(viewer, NOTICE):
        return
    found = [one for one in register().notices(viewer) if one.site in view.filters.sites]
    if not found:
        return
    named = [
        f"{view.reader.catalogue.site_name(one.site)} ({one.stage.lower()}, opened {_day(one.opened_at)})"
        for one in found
    ]
    link = ' <a href="/register" target="_self">Signal register</a>' if access.allows(viewer, READ) else ""
    many = "A safety signal is" if len(found) == 1 else f"{len(found)} safety signals are"
    st.html(f'<p class="notice">{many} under review: {escape("; ".join(named))}.{link}</p>')


def printing(view: page.View) -> None:
    """For who may have it: the safety review of the month that the period ends in."""
    if not access.allows(view.reader.viewer, REVIEW):
        return
    chosen = view.filters
    asked = {"month": [f"{chosen.end:%Y-%m}"], "site": [] if chosen.sites == chosen.scope.sites else chosen.sites}
    address = escape(urlencode(asked, doseq=True))
    links = " ".join(
        f'<a class="file" href="/export/{REVIEW}.{form}?{address}" target="_self" download>{form.upper()}</a>'
        for form in ("html", "pdf")
    )
    st.html(f'<p class="take">{links} Safety review of {chosen.end:%B %Y}, to print; takes some seconds.</p>')


def opening(view: page.View) -> None:
    """For who decides: open a signal about one of the series shown, with a copy of what is seen."""
    viewer = view.reader.viewer
    if not access.allows(viewer, DECIDE):
        return
    frame = panels.rows(view.reader, "signal_alarms", view.filters).drop_duplicates("series")
    if not len(frame):
        return
    titles = dict(zip(frame["series"], frame["what"], strict=True))
    with st.expander("Open a signal", icon=":material/add_alert:"), st.form("open_signal", border=False):
        # Who reads about one side effect looks into that one: the key makes a new choice of the page begin anew.
        effect = view.filters.effect
        chosen = next((place for place, key in enumerate(titles) if key.split("|")[1] == effect), 0)
        series = st.selectbox(
            "Series", list(titles), chosen, format_func=titles.__getitem__, key=f"signal_series{effect}"
        )
        rationale, due = _reasons("Why is it looked into?")
        sent = st.form_submit_button("Open the signal", type="primary")
        st.caption(
            "The register keeps a copy of the figures, charts, filters, definitions and extract as they are now. "
            "What is written there stays: put no patient's name in it."
        )
    if not sent:
        return
    try:
        copy = dossier.freeze(view.reader, view.filters, series)
        number = register().open(identity.current_viewer(), series, titles[series], copy, rationale, due)
    except (StateError, dossier.SeriesError) as error:
        st.error(f"{error} Nothing was opened.")
    else:
        st.success(f"Signal {number} is open: [see it in the register](/register?{PARAMETER}={number}).")


def open_page() -> Signal | None:
    """Check the viewer; the signal that the address names, if any."""
    viewer = access.require(identity.current_viewer(), READ)
    text = st.query_params.get(PARAMETER, "")
    signal = None
    if text.isdecimal() and len(text) < 10:
        try:
            signal = register().signal(viewer, int(text))
        except StateError:
            st.query_params.clear()
    recording.on_record("page", viewer, "view", READ, signal=signal.number if signal else None)
    return signal


def listing() -> None:
    """Every signal of the viewer's sites: open ones first, the overdue marked."""
    viewer = identity.current_viewer()
    found = register().signals(viewer)
    if not found:
        opens = "opens one" if access.allows(viewer, DECIDE) else "the medical director opens one there"
        st.html(
            '<p class="take">No signal was opened yet. The page <a href="/signals" target="_self">Signals</a> shows '
            f"which series rose, and {opens}.</p>"
        )
        return
    today = _today()
    open_ones = [one for one in found if one.is_open]
    late = sum(one.is_overdue(today) for one in found)
    said = f"{len(open_ones)} of {plural(len(found), 'signal', 'signals')} open" + (
        f", {late} overdue" if late else ""
    )
    st.html(f'<h2 class="answer">{said}</h2>')
    rows = [*open_ones, *(one for one in found if not one.is_open)]
    head = "".join(f'<th scope="col">{text}</th>' for text in ("Signal", "Series", "Stage", "Since", "Next step due"))
    body = "".join(_row(one, today) for one in rows)
    st.html(
        f'<div class="scorecard list"><table><caption>Signals</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _row(signal: Signal, today: dt.date) -> str:
    due = signal.latest.due_on
    late = ' <b class="late">overdue</b>' if signal.is_overdue(today) else ""
    cells = (
        f'<a href="/register?{PARAMETER}={signal.number}" target="_self">Signal {signal.number}</a>',
        escape(signal.what),
        escape(signal.latest.title),
        f"{_day(signal.latest.at)}, {escape(signal.latest.person_name)}",
        f"{filters.day_text(due)}{late}" if due else "—",
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def detail(signal: Signal) -> None:
    """One signal: where it stands, who decided what and why, the next step, what was seen."""
    st.html(
        f'<h2 class="answer">Signal {signal.number}: {escape(signal.what)}</h2>'
        f'<p class="take"><a href="/register" target="_self">All signals</a> · Dossier: {_link(signal, "html")} '
        f"{_link(signal, 'pdf')}</p>"
    )
    if wrong := register().fault(signal.number):
        st.error(f"{wrong} Keep the state store as it is, and run: dashboard audit verify")
    st.html(tables.definition_list(dict(dossier.stand(signal, _today()).rows)))
    st.subheader("Decisions", anchor=False)
    items = "".join(
        f"<li><b>{escape(step.title)}</b> <span>{_day(step.at)}, {step.at:%H:%M} UTC, {escape(step.person_name)} "
        f"({escape(step.person)})</span><p>{escape(step.rationale)}</p></li>"
        for step in signal.steps
    )
    st.html(f'<ol class="steps">{items}</ol>')
    _deciding(signal)
    st.subheader("What was seen when it was opened", anchor=False)
    _seen(signal)


def _deciding(signal: Signal) -> None:
    viewer = identity.current_viewer()
    if not access.allows(viewer, DECIDE, signal.site):
        st.caption("Only the medical director decides.")
        return
    choices = {
        (step, outcome): STEPS[step] + (f", {outcome}" if outcome else "")
        for step, outcome in next_steps(signal.latest.step)
    }
    with st.form(f"decide_{signal.number}_{signal.latest.number}"):
        step, outcome = st.selectbox("Next step", list(choices), format_func=choices.__getitem__)
        rationale, due = _reasons("Rationale")
        sent = st.form_submit_button("Sign", type="primary")
        st.caption(
            f"Signed as {viewer.name}, and kept as it is: nothing here is changed or removed later. No date is kept "
            "for a step that closes."
        )
    if not sent:
        return
    try:
        register().decide(viewer, signal.number, signal.latest.number, step, outcome, rationale, due)
    except StateError as error:
        st.error(f"{error} Nothing was signed.")
    else:
        st.rerun()


def _reasons(label: str) -> tuple[str, dt.date]:
    rationale = st.text_area(label, height=100, help=f"{SHORTEST_RATIONALE} characters or more.")
    today = _today()
    due = st.date_input(
        "Next step due", today + dt.timedelta(days=DUE_DAYS), min_value=today, format="YYYY-MM-DD", width=200
    )
    return rationale, due


def _seen(signal: Signal) -> None:
    copy = signal.frozen
    st.html(f"<p>{escape(unbroken(copy['reading']))}</p>")
    for content in copy["panels"]:
        st.html(f'<h2 class="answer">{escape(unbroken(content["heading"]))}</h2>')
        for chart in content["charts"]:
            body = {key: value for key, value in chart["body"].items() if key not in {"data", "width"}}
            # Kept as it was printed, in the colours of paper.
            body = theme.recoloured(body, page.mode())
            values = chart["body"]["data"]["values"]
            st.vega_lite_chart(values, body, alt=chart["alt"], key=f"frozen_{content['panel']}_{chart['caption']}")
    with st.expander("Figures of the series", type="compact"):
        table = document.grid(copy["figures"])
        for row in table.rows:
            st.html(tables.definition_list(dict(zip(table.headings, row, strict=True))))
    st.html(tables.definition_list(dict(dossier.origin(signal).rows)))


def _link(signal: Signal, form: str) -> str:
    address = f"/export/signal-{signal.number}.{form}"
    return f'<a class="file" href="{address}" target="_self" download>{form.upper()}</a>'


def _day(moment: dt.datetime) -> str:
    return filters.day_text(moment.date())


def _today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()
