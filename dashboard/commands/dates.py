"""Months and days as commands take them: a word that is none is not understood, which is exit code 2."""

from __future__ import annotations

import datetime as dt
from typing import Any

import click


class Month(click.ParamType[str]):
    """A month, given on as 2026-10."""

    name = "month"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The month, or the end with what is wrong."""
        try:
            # A month of the clinics' own calendar.
            return dt.datetime.strptime(value, "%Y-%m").date().isoformat()[:7]  # noqa: DTZ007
        except ValueError:
            self.fail(f"{value!r} is no month. Write it like 2026-10.", param, ctx)


class Day(click.ParamType[str]):
    """A day, given on as 2026-10-30."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The day, or the end with what is wrong."""
        try:
            return dt.date.fromisoformat(value).isoformat()
        except ValueError:
            self.fail(f"{value!r} is no day. Write it like 2026-10-30.", param, ctx)
