"""What is chosen for a file before it is made, and what the page Exports shows of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import pandas as pd

from dashboard.datasets import Dataset
from dashboard.filters import Filters
from dashboard.panels import Column
from dashboard.receipts import Receipt
from dashboard.sources import Totals
from dashboard.warehouse import Reader


@dataclass(frozen=True)
class Preview:
    """What the page Exports shows of a file before it is taken: rows, their columns, a title, and how far they go."""

    rows: pd.DataFrame
    columns: tuple[Column, ...]
    title: str
    note: str = ""


class Choice(Protocol):
    """What is chosen for a file, whatever the file holds."""

    @property
    def reader(self) -> Reader:
        """Whose eyes, on which extract."""

    @property
    def dataset(self) -> Dataset:
        """What it is of."""

    @property
    def forms(self) -> dict[str, str]:
        """The forms of its file, by ending, as staff read them."""

    @property
    def when(self) -> str:
        """The day or period in words."""

    @property
    def filters(self) -> Filters:
        """The filters that were asked for."""

    @property
    def refused(self) -> tuple[str, ...]:
        """Sites of the extract that were asked for and aren't the viewer's."""

    def summary(self) -> tuple[int, Totals]:
        """How many rows, and their control totals."""

    def preview(self, most: int) -> Preview:
        """What is shown of it before it is taken."""

    def described(self) -> dict[str, Any]:
        """The filters as they go on record."""

    def query(self) -> dict[str, list[str]]:
        """The parameters of its address."""

    def link(self, form: str) -> str:
        """The address of its file."""

    def file_name(self, form: str) -> str:
        """What the file is called."""

    def write(self, form: str) -> tuple[Iterator[bytes], Receipt]:
        """The file's bytes in parts, and the receipt that counts them."""
