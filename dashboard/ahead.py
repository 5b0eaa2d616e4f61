"""While somebody reads a page, what it shows of other periods and sites is worked out: a click finds it there.

People come first: nothing is begun while a page's script runs, and what is being asked then is stopped.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Literal

from dashboard import filters, panels, pictures, theme
from dashboard.filters import Filters
from dashboard.query_faults import QueryTimeoutError
from dashboard.warehouse import Reader, Warehouse

#: So many panels wait to be worked out, those of whoever opened a page last.
WAITING = 64
#: So often a wish gives way to people; then it is left.
PATIENCE = 8
#: Each of up to so many sites may be chosen alone.
FEW_SITES = 6
#: Nothing is begun before nobody's page was made for so long: one click is often followed by another.
QUIET_SECONDS = 0.3
#: So often it is looked whether its time, or the server's, is over.
_LOOK_SECONDS = 0.25


Dated = Literal["period", "day", ""]


@dataclass(frozen=True)
class Wish:
    """A panel that somebody looks at, of which they may choose another period, day or site next.

    `dated` says whether its page is of a period, a day, or neither.
    """

    reader: Reader
    panel: str
    chosen: Filters
    mode: theme.Mode
    dated: Dated = "period"

    @property
    def dates(self) -> list[Filters]:
        """The same filters with what is chosen by one click: each period that has a name, or the day before."""
        if self.dated == "day":
            return self._with([{"day": [(self.chosen.day - dt.timedelta(days=1)).isoformat()]}])
        if self.dated == "period":
            return self._with(
                {"period": [name]} for name in filters.PERIODS if name not in ("custom", self.chosen.period)
            )
        return []

    @property
    def sites(self) -> list[Filters]:
        """The same filters at each of few sites alone, where all are looked at."""
        every = self.chosen.scope.sites
        if self.chosen.sites != every or not 1 < len(every) <= FEW_SITES:
            return []
        return self._with({"site": [filters.slug(site)]} for site in every)

    def _with(self, changes: Iterable[dict[str, list[str]]]) -> list[Filters]:
        return [filters.parse(self.chosen.query() | change, self.chosen.scope) for change in changes]

    @property
    def key(self) -> tuple[object, ...]:
        """What its answers depend on, within an extract."""
        rights = panels.key_of(self.reader, self.panel, self.chosen)
        return rights, self.chosen.part, self.reader.marks, self.mode


def work_out(reader: Reader, panel: str, chosen: Filters, mode: theme.Mode) -> None:
    """Everything of a panel that is worked out once: its rows, words, HTML and charts."""
    found = panels.panel_of(panel, chosen)
    frame = panels.on_page(reader, panel, chosen)
    panels.heading(reader, panel, chosen)
    pictures.html(reader, found, chosen)
    if found.chart and len(frame):
        pictures.pictures(reader, panel, chosen, mode)


class Ahead:
    """What is worked out ahead in this process: wishes come from pages' scripts, one thread grants them."""

    def __init__(self) -> None:
        self._told = threading.Condition()
        self._granting = False
        self._people = 0
        self._left_at = 0.0
        self._now: Wish | None = None
        self._wishes: OrderedDict[tuple[object, ...], Wish] = OrderedDict()
        #: Those whose dates are worked out; their sites come when there is nothing else to do.
        self._later: OrderedDict[tuple[object, ...], Wish] = OrderedDict()

    def begin(self) -> None:
        """Keep wishes from now on: they will be granted. Where nobody grants them they would hold on to extracts."""
        self._granting = True

    @contextmanager
    def people_first(self) -> Iterator[None]:
        """Within it somebody waits for a page: what nobody waits for is stopped, and not begun."""
        with self._told:
            self._people += 1
            if self._now is not None:
                self._now.reader.warehouse.give_way()
        try:
            yield
        finally:
            with self._told:
                self._people -= 1
                self._left_at = time.monotonic()
                self._told.notify_all()

    def wish(self, wish: Wish) -> None:
        """Work out what may be chosen next once nobody waits; the last wish comes first."""
        # Spark would be asked by many people at once for what maybe none of them looks at.
        if not self._granting or wish.reader.warehouse.facts_elsewhere:
            return
        with self._told:
            _keep(self._wishes, wish)
            self._told.notify_all()

    def work(self, house: Warehouse | None, seconds: float, over: threading.Event) -> None:
        """Grant wishes of this extract for so long, or until it is over; waits while there are none."""
        self.begin()
        end = time.monotonic() + seconds

        def ended() -> bool:
            return over.is_set() or time.monotonic() >= end

        while not ended():
            with self._told:
                self._now = None
                wishes = self._wishes or self._later
                if not wishes or self._in_use():
                    self._told.wait(_LOOK_SECONDS)
                    continue
                _, wish = wishes.popitem()
                if wish.reader.warehouse is not house:
                    continue
                self._now = wish
            dates = wishes is self._wishes
            granted = self._granted(wish, wish.dates if dates else wish.sites, ended)
            with self._told:
                if granted and dates:
                    _keep(self._later, wish)
                elif ended() and not granted:
                    # Gone on with the next time; what is worked out by then is kept.
                    _keep(wishes, wish)

    def _in_use(self) -> bool:
        return self._people > 0 or time.monotonic() < self._left_at + QUIET_SECONDS

    def _granted(self, wish: Wish, choices: list[Filters], ended: Callable[[], bool]) -> bool:
        patience = PATIENCE
        for chosen in choices:
            while not self._worked_out(wish, chosen, ended):
                patience -= 1
                if ended() or patience == 0:
                    return False
        return True

    def _worked_out(self, wish: Wish, chosen: Filters, ended: Callable[[], bool]) -> bool:
        """Work out one choice; false where it had to give way."""
        house = wish.reader.warehouse
        with ExitStack() as stack:
            with self._told:
                # Where people are always there the thread has other things to look after.
                while not ended() and self._in_use():
                    self._told.wait(_LOOK_SECONDS)
                if ended():
                    return False
                # Whoever comes from now on is given way.
                stack.enter_context(house.ahead())
            try:
                work_out(wish.reader, wish.panel, chosen, wish.mode)
            except QueryTimeoutError:
                # What takes too long whoever asks is left to whoever asks.
                return not house.gives_way
        return True


def _keep(wishes: OrderedDict[tuple[object, ...], Wish], wish: Wish) -> None:
    """Put it last, and let go of the first where there are too many."""
    wishes[wish.key] = wish
    wishes.move_to_end(wish.key)
    while len(wishes) > WAITING:
        wishes.popitem(last=False)


@cache
def ahead() -> Ahead:
    """The process's own."""
    return Ahead()
