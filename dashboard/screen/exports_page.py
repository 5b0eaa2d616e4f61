"""The Exports page's pieces: the choice with its address, what the file will hold, named and past exports."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from html import escape
from typing import Any
from urllib.parse import parse_qs, urlencode

import pandas as pd
import streamlit as st

from dashboard import access, exports, filters, packs
from dashboard.choices import Choice
from dashboard.exports import Export
from dashboard.panels import Column
from dashboard.payment_methods import method_name
from dashboard.screen import filter_bar, forms, page, recording, tables
from dashboard.state import StateError, store_in_force
from dashboard.state.audit import Entry, Search
from dashboard.state.saved_exports import SavedExport, SavedExports
from dashboard.warehouse import Reader

PREVIEW_ROWS = 100
PAST_ROWS = 50
_PAST = (
    Column("at", "Taken (UTC)", "datetime"),
    Column("dataset", "Dataset"),
    Column("form", "Form"),
    Column("filters", "Filters"),
    Column("rows", "Rows", "count"),
    Column("totals", "Control totals"),
    Column("outcome", "Outcome"),
    Column("sha256", "SHA-256 of the file"),
    Column("extract", "Extract"),
    Column("definitions", "Definitions"),
    Column("link", "Open again", "link"),
)


def open_page() -> page.View:
    """Check the viewer, draw the filter bar for the dataset that the address names."""
    asked = filters.first(filter_bar.address(), "dataset")
    dataset = packs.CHOICES.get(asked)
    return page.open_page("exports", day=dataset is not None and dataset.of_day, own=exports.PARAMETERS)


def choice(view: page.View) -> Choice:
    """Draw the choice of dataset, date and columns; what the address asks for."""
    datasets = {dataset.name: dataset for dataset in packs.open_to(view.reader.viewer)}
    asked = filters.first(filter_bar.address(), "dataset")
    chosen = asked if asked in datasets else next(iter(datasets))
    key = filter_bar.put("export_dataset", chosen, *(dataset.label for dataset in datasets.values()))
    st.selectbox(
        "Dataset",
        list(datasets),
        format_func=lambda name: datasets[name].label,
        key=key,
        on_change=lambda: filter_bar.choose(dataset=[st.session_state[key]], columns=[], date=[], method=[]),
    )
    export = packs.asked(view.reader, datasets[chosen], filter_bar.address())
    if wrong := exports.unfit(export, filter_bar.address()):
        st.warning(tables.verbatim(f"{wrong} It is left out."))
    if isinstance(export, Export):
        _narrow(export)
    return export


def _narrow(export: Export) -> None:
    """Which date, methods and columns, where there is one table to choose them of."""
    if len(export.dataset.dates) > 1:
        _date(export)
    if export.dataset.by_method:
        _methods(export)
    _columns(export)


def _date(export: Export) -> None:
    key = filter_bar.put("export_date", export.date, *export.dataset.dates)
    st.segmented_control(
        "Period by",
        export.dataset.dates,
        format_func=lambda date: exports.DATES[date].capitalize(),
        key=key,
        required=True,
        on_change=lambda: filter_bar.choose(date=[st.session_state[key]]),
    )


def _methods(export: Export) -> None:
    # One of the address that no payment names is shown too: it is why there are no rows.
    known = dict.fromkeys((*exports.methods_of(export.reader), *export.methods))
    key = filter_bar.put("export_methods", list(export.methods), *known)
    st.multiselect(
        "Payment method",
        list(known),
        format_func=method_name,
        key=key,
        placeholder="All methods",
        on_change=lambda: filter_bar.choose(method=st.session_state[key]),
    )


def _columns(export: Export) -> None:
    columns = exports.columns_of(export.reader, export.dataset, export.filters)
    every = {column.name: column.title for column in columns}
    named = [column.name for column in export.columns]
    key = filter_bar.put("export_columns", [] if named == list(every) else named, *every.items())
    st.multiselect(
        "Columns, in the order in which they are chosen",
        list(every),
        format_func=lambda name: every.get(name, name),
        key=key,
        placeholder="All columns, in their usual order",
        on_change=lambda: filter_bar.choose(
            columns=[",".join(st.session_state[key])] if st.session_state[key] else []
        ),
    )


def take(view: page.View, export: Choice) -> None:
    """What the file will hold, its links, and its first rows or its tables."""
    dataset = export.dataset
    seen = export.described()
    recording.on_record("preview", view.reader.viewer, "view", f"exports, first rows of {dataset.name}", **seen)
    rows, totals = export.summary()
    if not rows:
        st.info("No rows for these filters. Choose a longer period, or more sites, lines or payment methods.")
        return
    links = " ".join(_link(view, export, form) for form in export.forms)
    st.html(f'<p class="take">{links}</p><p class="take">{escape(export.when)}. {_totals(export, rows, totals)}</p>')
    shown = export.preview(PREVIEW_ROWS)
    tables.table(shown.rows, shown.columns, shown.title)
    if shown.note:
        st.caption(shown.note)


def _link(view: page.View, export: Choice, form: str) -> str:
    # Of this very extract: a newer one would have other totals than those beside the link.
    address = f"{export.link(form)}&{urlencode({'extract': view.reader.catalogue.name})}"
    title = export.forms[form]
    return (
        f'<a class="file" href="{escape(address)}" target="_self" download '
        f'aria-label="{escape(title)} of {escape(export.dataset.title)}">{escape(title)}</a>'
    )


def _totals(export: Choice, rows: int, totals: Mapping[str, Decimal | int]) -> str:
    titles = {column.name: column.title for column in export.dataset.columns}
    words = [f"<b>{rows:,}</b> rows"]
    words += [f"{escape(titles[name])} <b>{value:,}</b>" for name, value in totals.items()]
    return f'<span class="totals">{"; ".join(words)}. The file\'s receipt shows the same.</span>'


def named_exports(export: Choice) -> None:
    """Keep this choice under a name, and open or forget those that were kept."""
    username = export.reader.viewer.username
    saved = SavedExports(store_in_force())
    kept = {one.name: one for one in saved.list(username)}
    with st.expander(f"Saved exports ({len(kept)})" if kept else "Saved exports", type="compact"):
        st.caption("A saved export keeps its choices. A period such as last month moves on by itself.")
        with st.form(forms.key("save_export"), border=False):
            name = st.text_input("Name for this choice", max_chars=80)
            if st.form_submit_button("Save"):
                try:
                    query = urlencode({"dataset": [export.dataset.name], **export.query()}, doseq=True)
                    saved.save(username, name, export.dataset.name, query)
                except StateError as error:
                    st.error(str(error))
                else:
                    forms.emptied("save_export")
                    st.rerun()
        for one in kept.values():
            with st.container(horizontal=True, vertical_alignment="center"):
                opens = st.button(one.name, key=f"open_{one.name}", type="tertiary")
                removes = st.button("Remove", key=f"remove_{one.name}", type="tertiary")
            if opens and not (gone := _gone(export.reader, one)):
                st.query_params.from_dict(parse_qs(one.query))
                st.rerun()
            elif opens:
                st.error(f"“{one.name}” no longer fits. {gone} Choose anew, and save it under that name.")
            if removes:
                saved.remove(username, one.name)
                st.rerun()


def _gone(reader: Reader, saved: SavedExport) -> str | None:
    """What of a saved export there is no longer: opened without it, it would be of everything."""
    dataset = packs.CHOICES.get(saved.dataset)
    if dataset is None or not access.allows(reader.viewer, dataset.resource):
        return "Its dataset is not open to this account."
    asked = parse_qs(saved.query)
    return exports.missing(packs.asked(reader, dataset, asked), asked, strict=True)


def past_exports(view: page.View) -> None:
    """The viewer's own files with their receipts, from the record."""
    opened = st.expander("Past exports", key="past_exports", on_change="rerun", type="compact")
    if not opened.open:
        return
    record = store_in_force().audit
    record.flush()
    own = Search(actor=view.reader.viewer.username, kinds=("export",))
    entries = record.search(own, PAST_ROWS)
    with opened:
        if not entries:
            st.info("No file yet. What you take is listed here, with its receipt.")
            return
        tables.table(past(entries), _PAST, "Past exports")
        st.caption(
            "Your last files. To check one: `dashboard export verify FILE`. The page Audit has everybody's, for "
            "those who may see it."
        )


def past(entries: list[Entry]) -> pd.DataFrame:
    """Entries of files as rows of the table."""
    return pd.DataFrame([_past(entry) for entry in entries], columns=[column.name for column in _PAST])


def _past(entry: Entry) -> dict[str, Any]:
    found = entry.details
    chosen = found.get("filters", {})
    return {
        "at": entry.at.replace(tzinfo=None),
        "dataset": entry.subject,
        "form": found.get("form", "csv"),
        "filters": "; ".join(f"{key} {_words(value)}" for key, value in chosen.items()),
        "rows": found.get("rows"),
        "totals": "; ".join(f"{key} {value}" for key, value in found.get("totals", {}).items()),
        "outcome": found.get("outcome"),
        "sha256": found.get("sha256"),
        "extract": found.get("extract"),
        "definitions": found.get("definitions"),
        "link": found.get("link"),
    }


def _words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
