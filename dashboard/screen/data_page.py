"""What the page Data says of the extract and of the last imports."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import filters
from dashboard.intake import attempts
from dashboard.panels import Column
from dashboard.screen.page import View
from dashboard.screen.tables import definition_list, table, verbatim
from dashboard.shelf import shelf
from dashboard.warehouse import Reader

ATTEMPT_ROWS = 20
#: So many notes are read one by one; the report of the import has all.
NOTES = 20
_ATTEMPT_COLUMNS = (
    Column("at", "Ended (UTC)", "datetime"),
    Column("delivery", "Delivery"),
    Column("result", "Result"),
    Column("message", "What came of it"),
)
_RESULTS = {
    "published": "put in use",
    "held": "it holds far fewer rows than the extract in use, or older or made-up ones",
    "refused": "the delivery can't be used as it is",
    "failed": "space, memory, rights or a disk were missing on the machine",
}


def extract_facts(view: View) -> None:
    """What the extract is, in words."""
    catalogue = view.reader.catalogue
    facts = {
        "Extract": catalogue.name,
        "Built": f"{filters.day_text(catalogue.built_at.date())}, {catalogue.built_at:%H:%M} UTC",
        "Holds": f"{filters.day_text(catalogue.first_day)} to {filters.day_text(catalogue.last_day)}",
        "Last full day": filters.day_text(catalogue.last_full_day),
        "Definitions": f"version {catalogue.definitions_version}",
    }
    if catalogue.demo:
        facts["Demo data"] = "Made up by a program; no patient stands behind any row."
    if warning := shelf().warning:
        st.warning(f"The newest extract cannot be read, so an older one is shown: {verbatim(warning)}")
    st.html(definition_list(facts))
    _notes(view)


def _may_read_words(reader: Reader) -> bool:
    """Whether the viewer may read what an import said: it may count rows of any site, and of side effects."""
    return reader.viewer.sites is None and not reader.hides_small_counts


def _notes(view: View) -> None:
    """What the import of the extract noted of its files."""
    reader = view.reader
    if not _may_read_words(reader):
        return
    tried = attempts.read(reader.warehouse.path.parent)
    notes = next((one.notes for one in reversed(tried) if one.extract == reader.catalogue.name), ())
    if notes:
        more = [f"… and {len(notes) - NOTES:,} more in the report of the import"] * (len(notes) > NOTES)
        told = [*map(verbatim, notes[:NOTES]), *more]
        st.markdown("**Noted at its import**\n\n" + "\n".join(f"- {note}" for note in told))


def import_attempts(view: View) -> None:
    """The last imports, also those that published nothing."""
    tried = attempts.newest(attempts.read(view.reader.warehouse.path.parent))[:ATTEMPT_ROWS]
    if not tried:
        return
    # All rows less those of the other tables, which the page shows, are those of side effects.
    whole = _may_read_words(view.reader)
    messages = [attempt.message if whole else _RESULTS[attempt.result] for attempt in tried]
    if tried[0].result != "published":
        st.warning(f"The last import, of {verbatim(tried[0].delivery)}, was not published: {verbatim(messages[0])}")
    frame = pd.DataFrame(
        {
            "at": [attempt.at.replace(tzinfo=None) for attempt in tried],
            "delivery": [attempt.delivery for attempt in tried],
            "result": [attempt.result for attempt in tried],
            "message": messages,
        }
    )
    opened = st.expander("The last imports", key="import_attempts", on_change="rerun", type="compact")
    if opened.open:
        with opened:
            table(frame, _ATTEMPT_COLUMNS, "The last imports")
