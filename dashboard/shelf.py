"""The extract in use: the published one, or the last good one."""

from __future__ import annotations

import threading
import time
from functools import cache

from dashboard.intake import pointer
from dashboard.query_faults import WarehouseError
from dashboard.settings import Settings
from dashboard.stamps import stamp_of
from dashboard.warehouse import Warehouse

LOOK_AGAIN_SECONDS = 10.0


class Shelf:
    """The extract in use. A newly published one is opened at the next call of `current`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._open: Warehouse | None = None
        self._stamp: tuple[int, ...] = ()
        self._looked_at = 0.0
        self.warning: str | None = None

    def current(self) -> Warehouse:
        """The extract that the pointer names, or the last good one with `warning` set.

        Raises:
            WarehouseError: there is none to serve.
        """
        with self._lock:
            stamp = stamp_of(self._settings.extracts / pointer.FILE_NAME)
            turned = self._open is None or stamp != self._stamp or self._open.damaged
            if turned or (self.warning and time.monotonic() - self._looked_at > LOOK_AGAIN_SECONDS):
                self._turn(stamp)
            if self._open is None:
                raise WarehouseError(self.warning or "there is no extract")
            return self._open

    def look(self) -> Warehouse:
        """As `current`, once it is known whether the file in use is as it was: what is kept doesn't tell."""
        house = self._open
        if house is not None and house.changed():
            house.damaged = True
        return self.current()

    def interrupt(self) -> None:
        """Stop what the extract in use is asked, since the server ends."""
        if house := self._open:
            house.interrupt()

    def _turn(self, stamp: tuple[int, ...]) -> None:
        """Open what the pointer names; where that fails keep the old one, or take the last good one."""
        named = None
        damaged = self._open is not None and self._open.damaged
        self._stamp, self._looked_at = stamp, time.monotonic()
        try:
            named = pointer.named(self._settings.extracts)
            if named is None:
                raise WarehouseError(
                    "there is no extract yet. Whoever runs this dashboard imports a delivery first: "
                    "dashboard import DIR"
                )
            named.check(thorough=damaged)
            if self._open is None or self._open.path != named.path:
                # The old connection isn't closed: another thread may still read from it.
                # It goes when the last of them lets go.
                self._open = Warehouse(named.path, self._settings)
            # Every byte is right, so what failed was the reading and not the file.
            self._open.damaged = False
            self.warning = None
        except (WarehouseError, pointer.ExtractError, OSError) as error:
            self.warning = str(error)
            if self._open is None or damaged:
                self._open = self._last_good(named)

    def _last_good(self, failed: pointer.Pointer | None) -> Warehouse | None:
        """The newest other extract that is whole; made-up data never stands in for a clinic's own."""
        found = pointer.published(self._settings.extracts)
        demo = (failed or found[0]).demo if failed or found else None
        for one in found:
            if (failed and one.name == failed.name) or (one.demo and not demo):
                continue
            try:
                one.check()
                return Warehouse(one.path, self._settings)
            except (WarehouseError, pointer.ExtractError):
                continue
        return None


@cache
def shelf() -> Shelf:
    """The process's shelf, by the environment's settings."""
    return Shelf(Settings.from_environment())
