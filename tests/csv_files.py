"""Files of CSV as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from dashboard.exports import csv_parts
from dashboard.panels.column import Column


def csv_text(columns: Sequence[Column], frames: Iterator[pd.DataFrame]) -> str:
    """What a file of these rows holds."""
    return b"".join(part.data for part in csv_parts(columns, frames)).decode()
