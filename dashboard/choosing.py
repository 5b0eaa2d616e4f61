"""What else to choose where a chart has nothing to show: only what would show more."""

from __future__ import annotations

from dashboard.ahead import Dated
from dashboard.filters import Filters


def instead(chosen: Filters, dated: Dated | None, *, history: bool = False) -> str:
    """A sentence or two: what is in use already, and what to choose instead.

    Args:
        chosen: the filters in force.
        dated: what of them the page's bar has: a day or a period.
        history: whether the chart is of all days up to the end of the period, whichever period it is.
    """
    scope, found, known = chosen.scope, [], ""
    if dated == "day":
        found.append("another day")
    else:
        earlier, later = chosen.start > scope.first_day and not history, chosen.end < scope.last_full_day
        if earlier:
            found.append("a longer or an earlier period")
        elif later:
            found.append("a period that ends later")
        if history:
            known = "All days up to the end of the period are in use already. "
        elif not earlier and not later:
            known = "All days of the data are in use already. "
    if history and chosen.effect:
        found.append("any side effect")
    if chosen.sites != scope.sites:
        found.append("more sites")
    if chosen.lines or chosen.bands:
        found.append("more lines or ages")
    return f"{known}Choose {', or '.join(found)}." if found else known.strip()
