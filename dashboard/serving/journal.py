"""The log: one line an event, as text or JSON, without any value that an exception may carry."""

from __future__ import annotations

import logging
import logging.config
import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Any

import streamlit.logger
import uvicorn.config
from pythonjsonlogger.json import JsonFormatter

from dashboard.tracebacks import traceback_text

#: What is known of the request under way: its id, and the user's name once the gate knows it.
_request: ContextVar[dict[str, str] | None] = ContextVar("request", default=None)
_PLAIN_PATH = re.compile(r"/[A-Za-z0-9_./-]{0,80}")


@contextmanager
def request() -> Iterator[dict[str, str]]:
    """Give all lines that are written within this context one request's id."""
    facts = {"request": secrets.token_hex(8)}
    token = _request.set(facts)
    try:
        yield facts
    finally:
        _request.reset(token)


def note_user(username: str) -> None:
    """Name the request's user in the lines that follow."""
    facts = _request.get()
    if facts is not None:
        facts["user"] = username


def plain(path: str) -> str:
    """The path if it is made of letters, digits and separators, else "-": what people type is not kept."""
    return path if _PLAIN_PATH.fullmatch(path) else "-"


class _Text(logging.Formatter):
    """One line an event; a traceback below it."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the name that logging calls
        """The traceback without values."""
        return traceback_text(ei[1])


class _Json(JsonFormatter):
    """One JSON object an event."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the name that logging calls
        """The traceback without values."""
        return traceback_text(ei[1])


class _OfRequest(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        """Add what is known of the request; nothing is left out."""
        for name, value in (_request.get() or {}).items():
            setattr(record, name, value)
        return True


def formatter(form: str) -> logging.Formatter:
    """The formatter of that form, "text" or "json"."""
    if form == "text":
        return _Text("%(asctime)s %(levelname)s %(name)s: %(message)s")
    return _Json(
        ["asctime", "levelname", "name", "message"],
        rename_fields={"asctime": "time", "levelname": "level", "name": "logger", "exc_info": "traceback"},
        datefmt="%Y-%m-%dT%H:%M:%S%z",
    )


def configure(form: str, level: str) -> None:
    """Send every logger of this process to standard error, in one form."""
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(form))
    handler.addFilter(_OfRequest())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("dashboard").setLevel(level.upper())
    logging.captureWarnings(True)
    uvicorn.config.LOGGING_CONFIG["handlers"].clear()
    for logger in uvicorn.config.LOGGING_CONFIG["loggers"].values():
        logger.update(handlers=[], propagate=True, level="WARNING")
    # Streamlit gives each of its loggers a handler of its own, which would print what ours leaves out.
    streamlit.logger.setup_formatter = _adopt
    streamlit.logger.update_formatter()
    # Its settings are read at import and again with ours, which it takes for an edit.
    logging.getLogger("streamlit.config").addFilter(lambda record: "config option section" not in str(record.msg))
    # The page's own handler writes this line, with a reference.
    logging.getLogger("streamlit.error_util").addFilter(lambda record: record.msg != "Uncaught app execution")
    threading.excepthook = _thread_failed


def _adopt(logger: logging.Logger) -> None:
    own = getattr(logger, "streamlit_console_handler", None)
    if own is not None:
        logger.removeHandler(own)
    logger.propagate = True


def _thread_failed(failed: threading.ExceptHookArgs) -> None:
    error: tuple[type[BaseException], BaseException, TracebackType | None] | None = None
    if failed.exc_value is not None:
        error = (failed.exc_type, failed.exc_value, failed.exc_traceback)
    logging.getLogger("dashboard").error("a thread ended with an error", exc_info=error)
