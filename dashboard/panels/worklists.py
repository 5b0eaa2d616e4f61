"""Panels of the Worklists page: whom the front desk calls, what is due, by when; most urgent first.

Every list is as of the extract's last full day, whatever period, lines and ages are chosen elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import pandas as pd

from dashboard.filters import Filters, day_text
from dashboard.panels.column import LINE, SITE, Column
from dashboard.panels.panel import Panel, Start
from dashboard.panels.words import TOLD, titled
from dashboard.warehouse import Reader
from dashboard.wording import number, plural

#: An induction is near its day 28 when so many days are left to it.
NEAR_DAYS = 14
#: So many rows of a list a page shows: nobody calls more in a day, and the file has all.
FIRST_ROWS = 1_000
MOMENTS = {"day_7": "Day 7", "day_14": "Day 14", "after_induction": "After induction"}


def _asked(name: str, values: Mapping[str, object], reader: Reader, filters: Filters) -> pd.DataFrame:
    frame = reader.query(name, sites=filters.sites, until=reader.catalogue.last_full_day, **values)
    if "service" in frame:
        frame["service"] = frame["service"].map(lambda service: reader.catalogue.services.get(service, service))
    return titled(frame, reader)


def _by(days: pd.Series) -> pd.Series:
    return pd.Series([day_text(day.date()) for day in pd.to_datetime(days)], index=days.index, dtype="object")


def _inductions(frame: pd.DataFrame) -> pd.DataFrame:
    """Inductions that will miss day 28 as they are booked."""
    more = "Book " + frame["short"].astype(str).astype("object") + " more by " + _by(frame["day_28"])
    # One infusion a day at most.
    late = frame["short"] > frame["days_left"]
    return frame.assign(todo=more.mask(late, "Too late for six by day 28: ask the doctor how to go on"))


def _inductions_answer(frame: pd.DataFrame) -> str:
    if not len(frame):
        return f"No induction within {NEAR_DAYS} days of its day 28 is short of six infusions"
    said = f"{plural(len(frame), 'induction', 'inductions')} will miss day 28"
    late = int((frame["short"] > frame["days_left"]).sum())
    return said + (f"; for {late:,} it is too late" if late else " unless more is booked")


def _boosters(frame: pd.DataFrame) -> pd.DataFrame:
    """Patients after induction without a visit for longer than is usual at the site, and none ahead."""
    return frame.assign(todo="Call to book a visit by " + _by(frame["ends_on"]))


def _boosters_answer(frame: pd.DataFrame) -> str:
    if not len(frame):
        return "No booster is overdue"
    usual = frame.groupby("site")["usual_days"].first()
    if len(usual) > TOLD:
        said = f"{_days(usual.min())} to {_days(usual.max())} days at {len(usual)} sites"
    else:
        places = [f" at {site}" if len(usual) > 1 else "" for site in usual.index]
        said = ", ".join(f"{_days(days)} days{place}" for days, place in zip(usual, places, strict=True))
    return f"{plural(len(frame), 'booster is', 'boosters are')} overdue; usual interval {said}"


def _days(median: float) -> str:
    """A median of whole days, which may be half a day more."""
    return number(median, int(median % 1 > 0))


def _scores(frame: pd.DataFrame) -> pd.DataFrame:
    """Scores after ketamine that are missing and can still be taken."""
    both = frame["lacks_phq_9"] & frame["lacks_gad_7"]
    lacks = np.where(both, "PHQ-9 and GAD-7", np.where(frame["lacks_phq_9"], "PHQ-9", "GAD-7"))
    missing = pd.Series(lacks, index=frame.index, dtype="object")
    return frame.assign(
        moment=frame["moment"].map(MOMENTS), missing=missing, todo="Take " + missing + " by " + _by(frame["to_on"])
    )


def _scores_answer(frame: pd.DataFrame) -> str:
    if not len(frame):
        return "No PHQ-9 or GAD-7 is missing that can still be taken"
    phq_9, gad_7 = int(frame["lacks_phq_9"].sum()), int(frame["lacks_gad_7"].sum())
    last = int((frame["days_left"] == 1).sum())
    return (
        f"{plural(frame['patient'].nunique(), 'patient has', 'patients have')} scores missing: PHQ-9 of {phq_9:,}, "
        f"GAD-7 of {gad_7:,}"
    ) + (f"; {last:,} on their last day" if last else "")


def _forms(frame: pd.DataFrame) -> pd.DataFrame:
    """Completed visits without the side-effect form."""
    whom = frame["provider"].astype("object").fillna("the provider of the visit")
    return frame.assign(todo="Ask " + whom + " for the form")


def _forms_answer(frame: pd.DataFrame) -> str:
    if not len(frame):
        return "No side-effect form is late"
    said = f"{plural(len(frame), 'side-effect form is', 'side-effect forms are')} late"
    oldest = ", the oldest" if len(frame) > 1 else ""
    return f"{said}{oldest} for {plural(frame['days'].max(), 'day', 'days')}"


def _no_shows(frame: pd.DataFrame) -> pd.DataFrame:
    """No-shows of the last 28 days who have no other booking since."""
    return frame.assign(todo="Call to rebook: " + frame["service"].astype("object"))


def _no_shows_answer(frame: pd.DataFrame) -> str:
    if not len(frame):
        return "No no-show of the last 28 days is left to rebook"
    said = f"{plural(len(frame), 'no-show is', 'no-shows are')} not rebooked"
    ketamine = int((frame["line"] == "Ketamine").sum())
    return said + (f", {ketamine:,} of them ketamine" if ketamine else "")


_BOOKING, _PATIENT, _TODO = (
    Column("booking_id", "Booking"),
    Column("patient", "Patient"),
    Column("todo", "What to do"),
)
_KEYED = "Patient: the keyed number; the front desk looks the booking up."


def _list(
    name: str,
    title: str,
    worded: Callable[[pd.DataFrame], pd.DataFrame],
    columns: tuple[Column, ...],
    answer: Callable[[pd.DataFrame], str],
    note: str,
    **values: object,
) -> Panel:
    asked = partial(_asked, name, values)

    def frame(reader: Reader, filters: Filters) -> pd.DataFrame:
        return worded(asked(reader, filters))

    def start(reader: Reader, filters: Filters) -> Start:
        # Only the query's own answer is kept whole.
        rows = asked(reader, filters)
        return Start(worded(rows.head(FIRST_ROWS)), len(rows), answer(rows))

    # On a phone three columns are seen: whom, and what to do; the keyed number says least.
    whole = (SITE, _BOOKING, _TODO, *columns, _PATIENT)
    said = f"{note} {_KEYED}"
    return Panel(name, title, "worklists", frame, whole, answer=answer, note=said, start=start)


PANELS = (
    _list(
        "worklist_inductions", "Inductions that will miss day 28", _inductions,
        (Column("first_on", "First infusion", "date"), Column("day_28", "Day 28", "date"),
         Column("days_left", "Days left", "count"), Column("done", "Infusions done", "count"),
         Column("ahead", "Booked by day 28", "count"), Column("short", "Short of six", "count")),
        _inductions_answer,
        f"Inductions with {NEAR_DAYS} days or fewer to day 28 and fewer than six infusions done and booked by it, at "
        "whichever site; fewest days first. Site: of the first infusion.",
        near=NEAR_DAYS,
    ),
    _list(
        "worklist_boosters", "Boosters overdue", _boosters,
        (Column("last_on", "Last infusion", "date"), Column("days", "Days since", "count"),
         Column("usual_days", "Usual interval (days)", "decimal"), Column("overdue", "Days overdue", "decimal"),
         Column("ends_on", "Last day of the course", "date")),
        _boosters_answer,
        "After induction, no ketamine visit booked and none for longer than the site's median interval of the last "
        "364 days; longest first. At 60 days the course ends and the patient leaves the list.",
    ),
    _list(
        "worklist_scores", "PHQ-9 or GAD-7 missing", _scores,
        (Column("moment", "Score of"), Column("missing", "Missing"), Column("from_on", "From", "date"),
         Column("to_on", "Until", "date"), Column("days_left", "Days left", "count")),
        _scores_answer,
        "Scores that can still be taken: days 5 to 9 and 12 to 16 after the first infusion, days 14 to 31 after the "
        "last one of a finished induction; fewest days first.",
    ),
    _list(
        "worklist_forms", "Side-effect forms not filled in", _forms,
        (Column("starts_on", "Visit", "date"), Column("days", "Days since", "count"), Column("service", "Service"),
         Column("provider", "Provider")),
        _forms_answer,
        "Completed visits of the last 28 days whose form is late, as on the page Data; oldest first.",
    ),
    _list(
        "worklist_no_shows", "No-shows not rebooked", _no_shows,
        (LINE, Column("service", "Service"), Column("starts_on", "Missed", "date"),
         Column("days", "Days since", "count")),
        _no_shows_answer,
        "No-shows of the last 28 days with no later booking in the same service line, at whichever site, that wasn't "
        "cancelled; ketamine first, then longest ago.",
    ),
)  # fmt: skip
