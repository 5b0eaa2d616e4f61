"""The audit record for people: what an address asks of it, its rows, its file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd
from starlette.responses import PlainTextResponse, Response

from dashboard import access, exports, filters, unknown
from dashboard.panels.column import Column
from dashboard.receipts import FileResponse, Receipt, no_such_file
from dashboard.state.audit import KINDS, Audit, Entry, Search

RESOURCE = "audit"
PERIODS = {"1-day": "Last 24 hours", "7-days": "Last 7 days", "30-days": "Last 30 days", "365-days": "Last 365 days"}
EVER = {"ever": "Since the beginning"}
DEFAULT_PERIOD = "30-days"
#: Every parameter of the page's address.
PARAMETERS = ("person", "kind", "days", "text", "part")
COLUMNS = (
    Column("number", "Number", "count"),
    Column("at", "Time UTC", "datetime"),
    Column("actor", "Person"),
    Column("kind", "What"),
    Column("subject", "Of what"),
    Column("details", "Details"),
)
FILE_COLUMNS = (*COLUMNS, Column("seal", "Seal"))


def parse(parameters: Mapping[str, Sequence[str]], now: dt.datetime) -> Search:
    """Read an address; what is unknown or malformed is left out."""
    return Search(
        actor=filters.first(parameters, "person")[:80],
        kinds=tuple(kind for kind in KINDS if kind in parameters.get("kind", ())),
        since=None if (days := period(parameters)) in EVER else now - dt.timedelta(days=int(days.split("-")[0])),
        text=filters.first(parameters, "text")[:100],
    )


def period(parameters: Mapping[str, Sequence[str]]) -> str:
    """The period that an address names, or the default."""
    named = filters.first(parameters, "days")
    return named if named in PERIODS | EVER else DEFAULT_PERIOD


def fault(parameters: Mapping[str, Sequence[str]]) -> str | None:
    """What an address names that its file can't be of, in a sentence; the page leaves it out instead."""
    return (
        unknown.misread({name: values for name, values in parameters.items() if name != "kind"}, PARAMETERS)
        or unknown.unnamed("kind", parameters.get("kind", ()), tuple(KINDS))
        or unknown.unnamed("days", parameters.get("days", ()), (*PERIODS, *EVER))
    )


def frame(entries: Sequence[Entry]) -> pd.DataFrame:
    """Entries as rows of `FILE_COLUMNS`."""
    rows = [(e.number, e.at, e.actor, KINDS.get(e.kind, e.kind), e.subject, e.text, e.seal) for e in entries]
    found = pd.DataFrame(rows, columns=[column.name for column in FILE_COLUMNS])
    return found.assign(at=pd.to_datetime(found["at"], utc=True).dt.tz_localize(None))


def file_of(record: Audit, wanted: Search) -> tuple[Iterator[bytes], Receipt]:
    """The file's bytes in parts, and the receipt that counts them."""
    receipt = Receipt("audit", wanted.described(), extract=None)
    frames = (frame(part) for part in record.stream(wanted))
    return receipt.counted(exports.csv_parts(FILE_COLUMNS, frames)), receipt


def respond(viewer: access.Viewer, record: Audit, parameters: Mapping[str, Sequence[str]]) -> Response:
    """The answer to a request for the record's file."""
    if not access.allows(viewer, RESOURCE):
        return no_such_file()
    if wrong := fault(parameters):
        return PlainTextResponse(f"{wrong}\n", status_code=400)
    now = dt.datetime.now(dt.UTC)
    body, receipt = file_of(record, parse(parameters, now))
    return FileResponse(body, f"audit_{now:%Y-%m-%d}.csv", receipt)
