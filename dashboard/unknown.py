"""What an address asks for that there isn't: a page says what it left out, a file is refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence

from dashboard import no_shows
from dashboard.filters import COMPARISONS, GRAINS, PERIODS, SITE_PREFIX, Parameters, Scope, first, slug

#: Parameters of which an address may name several values.
_MANY = ("site", "line", "band", "method", "columns")


def misread(parameters: Parameters, known: Sequence[str]) -> str | None:
    """Which parameter of a file's address would be passed over, in a sentence; None where each is read.

    Who misspells one would take the file for narrower than it is.
    """
    if unknown := [name for name in parameters if name not in known]:
        said = ", ".join(name[:40] for name in unknown[:5])
        return f"There is no parameter {said} of this file. There is: {', '.join(known) or 'none'}."
    several = (name for name in parameters if name not in _MANY and len(set(parameters[name])) > 1)
    return next((f"There are several values of {name}, which has one." for name in several), None)


def strangers(values: Iterable[str], known: Iterable[str], hidden: Iterable[str] = ()) -> list[str]:
    """Those of an address's values that are none of the known, nor of the hidden."""
    meant = {slug(one) for one in (*known, *hidden)}
    return [value for value in values if value and slug(value) not in meant]


def unnamed(word: str, values: Iterable[str], known: Sequence[str], hidden: Iterable[str] = ()) -> str | None:
    """Which of an address's values there isn't, in a sentence; those of `hidden` are taken, and not told."""
    if not (unknown := strangers(values, known, hidden)):
        return None
    said = ", ".join(value[:80] for value in unknown[:10])
    return f"There is no {word} {said} here. There is: {', '.join(known) or 'none'}."


def fault(parameters: Parameters, scope: Scope, *, of_day: bool = False) -> str | None:
    """What is wrong with the period of an address, in a sentence; None where `parse` reads what was meant.

    A page may show another period instead, and says so. A file must not. `of_day` is of a page or file of one day.
    """
    period = first(parameters, "period")
    if period != "custom" and any(first(parameters, name) for name in ("from", "to")):
        return _no_period(period) or "Days from and to go with the period custom: period=custom&from=…&to=…"
    return _misdated(parameters, scope, of_day=of_day)


def _no_period(period: str) -> str | None:
    known = not period or period in PERIODS
    return None if known else f"There is no period {period[:80]}. Periods: {', '.join(PERIODS)}."


def _misdated(parameters: Parameters, scope: Scope, *, of_day: bool) -> str | None:
    period = first(parameters, "period")
    dated = [first(parameters, name) for name in ("from", "to")] if period == "custom" else []
    named = [first(parameters, "day")] if of_day else []
    return (
        _no_period(period) or _outside(list(filter(None, dated)), scope) or _outside(list(filter(None, named)), scope)
    )


def _outside(named: Sequence[str], scope: Scope) -> str | None:
    days = []
    for value in named:
        try:
            days.append(dt.date.fromisoformat(value))
        except ValueError:
            return f"{value!r} is no day. Write it like {scope.last_full_day}."
    if days and (min(days) > scope.last_day or max(days) < scope.first_day):
        return f"The extract holds {scope.first_day} to {scope.last_day}, and nothing of the period asked for."
    return None


def choices(scope: Scope, others: Iterable[str] = ()) -> Iterator[tuple[str, Sequence[str], tuple[str, ...]]]:
    """The filters that have choices: parameter, what there is, and what is taken and not told.

    `others` are the sites of other people, whose names tell nothing of what there is.
    """
    hidden = tuple(others)
    compared = (*COMPARISONS, *(SITE_PREFIX + site for site in scope.sites))
    # Another's site to compare with is left out, as theirs is of the sites.
    foreign = tuple(SITE_PREFIX + site for site in hidden)
    yield from (("site", scope.sites, hidden), ("line", scope.lines, ()), ("band", scope.bands, ()))
    yield from (("effect", scope.effects, ()), ("compare", compared, foreign), ("also", compared, foreign))
    yield from (
        ("figure", scope.figures, ()),
        ("by", tuple(GRAINS), ()),
        ("no-shows", tuple(no_shows.DEFINITIONS), ()),
    )


def left_out(
    parameters: Parameters, known: Sequence[str], scope: Scope, others: Iterable[str], *, dated: bool, of_day: bool
) -> str:
    """What a page leaves out of its address, in a sentence or two; empty where it shows what was meant.

    `known` are the parameters of all pages; `dated` is of a page of a period or, with `of_day`, of a day.
    """
    gone = [
        f"{word} {value[:80]}"
        for word, known, hidden in choices(scope, others)
        for value in strangers(parameters.get(word, ()), known, hidden)
    ]
    said = [f"There is no such choice here, so it is left out: {', '.join(gone[:10])}."] if gone else []
    if strange := [name[:40] for name in parameters if name not in known]:
        said.append(f"No page has a parameter {', '.join(strange[:5])}, so it is left out.")
    # The bar itself leaves from and to behind where another period is chosen.
    if dated and (wrong := _misdated(parameters, scope, of_day=of_day)):
        said.append(f"{wrong} The bar above says what is shown.")
    return " ".join(said)
