"""What people are told when something fails: its own words where they are meant for them, else a reference."""

from __future__ import annotations

import logging
import secrets

from sqlalchemy.exc import DBAPIError

from dashboard.access import AccessDeniedError
from dashboard.serving import instruments
from dashboard.state.database import cause

log = logging.getLogger(__name__)


def words(error: Exception, where: str) -> str:
    """A sentence or two for the person in front of the screen.

    An error that nobody foresaw is logged with its traceback, and the person gets its reference alone.
    """
    # Imported here, since a server that only shows its login page has not needed it yet.
    from dashboard.query_faults import WarehouseError

    if isinstance(error, AccessDeniedError):
        return "This page is not open to your account. Choose another from the menu."
    if isinstance(error, WarehouseError):
        return f"The data cannot be shown: {error}"
    return unforeseen(error, where)


def unforeseen(error: BaseException, where: str) -> str:
    """Log the error under a new reference and say which."""
    digits = secrets.token_hex(4).upper()
    reference = f"{digits[:4]}-{digits[4:]}"
    instruments.FAULTS.labels(where).inc()
    told = f"{where}{_of_the_machine(error)}"
    log.error("reference %s: an error in %s", reference, told, exc_info=error, extra={"reference": reference})
    return (
        f"Something went wrong. Reference {reference}. "
        "Try again; if it happens again, give the reference to an administrator."
    )


def _of_the_machine(error: BaseException) -> str:
    """What is wrong with the disk of the state store, and what to do; its other words may quote what was written."""
    why, hint = cause(error) if isinstance(error, DBAPIError) else ("", "")
    return f": the state store failed ({why}). {hint}" if hint else ""
