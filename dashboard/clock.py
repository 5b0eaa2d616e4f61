"""Moments to come: they were written while the server's clock was ahead, and nobody is to wait for them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

#: So far the clocks of machines that share a store or a folder of extracts may be apart.
SKEW = timedelta(minutes=5)


def is_ahead(moment: Any, now: datetime) -> Any:
    """Whether a moment, or that of a column, is later than any clock could have said by now."""
    return moment > now + SKEW
