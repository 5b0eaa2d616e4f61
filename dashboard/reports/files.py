"""Printed documents as files: the answer to a request, and the same for the command line."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from starlette.responses import PlainTextResponse, Response

from dashboard import access, filters, unknown
from dashboard.query_faults import WarehouseError
from dashboard.receipts import FileResponse, Receipt, no_such_file
from dashboard.reports import dossier, html, huddle, pdf, safety
from dashboard.reports.document import Document
from dashboard.shelf import shelf
from dashboard.state import StateError, Store
from dashboard.state.chart_marks import ChartMarks
from dashboard.state.register import READ, Register
from dashboard.warehouse import Reader

REVIEW = "safety_review"
HUDDLE = "morning_huddle"
MEDIA = {"html": "text/html; charset=utf-8", "pdf": "application/pdf"}
#: What addresses of documents name; of a signal's, nothing.
PARAMETERS = {REVIEW: ("month", "site"), HUDDLE: ("day", "site", "no-shows")}
_SIGNAL = re.compile(r"signal-([1-9][0-9]{0,8})")


def rendered(document: Document, form: str) -> bytes:
    """The document as a file of that form, "html" or "pdf"."""
    return pdf.render(document) if form == "pdf" else html.render(document).encode()


def review(reader: Reader, store: Store, month: str, sites: Sequence[str]) -> tuple[Document, dict[str, Any]]:
    """The safety review of a month, and what goes on record of it.

    Raises:
        AccessDeniedError: it isn't open to the reader's viewer.
        MonthError: the month or a site isn't there.
    """
    access.require(reader.viewer, REVIEW)
    reader = replace(reader, marks=ChartMarks(store).in_force())
    chosen = safety.month_of(reader, month, sites)
    signals = Register(store).signals(reader.viewer)
    return safety.review(reader, chosen, signals, _today()), chosen.described(of_day=False)


def morning(reader: Reader, sites: Sequence[str], day: str, named: str = "") -> tuple[Document, dict[str, Any]]:
    """The morning huddle of a site, and what goes on record of it.

    Raises:
        AccessDeniedError: it isn't open to the reader's viewer.
        HuddleError: the day, the site or the definition of the no-show rate isn't there.
    """
    access.require(reader.viewer, "today")
    chosen = huddle.day_of(reader, sites, day, named)
    return huddle.huddle(reader, chosen), chosen.described(of_day=True)


def respond(
    viewer: access.Viewer, store: Store, name: str, form: str, asked: Mapping[str, Sequence[str]]
) -> Response:
    """The answer to a request for a printed document, or a refusal in one line."""
    found = _SIGNAL.fullmatch(name)
    if form not in MEDIA or not access.allows(viewer, READ if found else "today" if name == HUDDLE else REVIEW):
        return no_such_file()
    suffix = ""
    read = () if found else PARAMETERS.get(name)
    if read is not None and (wrong := unknown.misread(asked, read)):
        return PlainTextResponse(f"{wrong}\n", status_code=400)
    try:
        if found:
            signal = Register(store).signal(viewer, int(found[1]))
            receipt = Receipt(name, {"site": signal.site}, signal.frozen["extract"]["name"])
            content = rendered(dossier.document(signal, _today(), Register(store).fault(signal.number)), form)
        elif name == REVIEW:
            reader = Reader(shelf().current(), viewer)
            month = filters.first(asked, "month")
            document, described = review(reader, store, month, asked.get("site") or ())
            receipt = Receipt(name, described, reader.catalogue.name)
            content = rendered(document, form)
            suffix = f"_{month}"
        elif name == HUDDLE:
            reader = Reader(shelf().current(), viewer, ChartMarks(store).in_force())
            day, named = (filters.first(asked, key) for key in ("day", "no-shows"))
            document, described = morning(reader, asked.get("site") or (), day, named)
            receipt = Receipt(name, described, reader.catalogue.name)
            content = rendered(document, form)
            suffix = f"_{'_'.join(described['sites'])}_{described['day']}"
        else:
            return no_such_file()
    except (safety.MonthError, huddle.HuddleError) as error:
        return PlainTextResponse(f"{error}\n", status_code=400)
    except StateError:
        return no_such_file()
    except WarehouseError as error:
        return PlainTextResponse(f"{error}\n", status_code=503)
    return FileResponse(receipt.whole(content), f"{name}{suffix}.{form}", receipt, MEDIA[form])


def _today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()
