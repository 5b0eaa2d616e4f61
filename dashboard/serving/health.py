"""Whether this process can serve: for a load balancer, and for who looks after it."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

from anyio import to_thread
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from dashboard.state import Store
from dashboard.state.alert_channels import AlertChannels

#: Anyone may ask; the answer is found no more often than this.
ASKED_EVERY = 1.0


class Health:
    """What is missing before people can be sent here, in words that tell nothing protected.

    Attributes:
        warm: whether the first visitor would still have to wait.
        stopping: whether the server was told to stop.
        serves_older: whether the extract in use can't be read and an older one stands in for it.
    """

    def __init__(self, store: Store) -> None:
        self.warm = False
        self.stopping = False
        self.serves_older = False
        self._store = store
        self._lock = threading.Lock()
        self._asked = -ASKED_EVERY
        self._missing = ["the server is warming up"]

    def routes(self) -> list[Route]:
        """The routes of /healthz (the process) and /readyz (all that it needs)."""
        return [Route("/healthz", self.alive, methods=["GET"]), Route("/readyz", self.ready, methods=["GET"])]

    def stop(self) -> None:
        """From now on, be found not ready."""
        self.stopping = True

    async def alive(self, _request: Request) -> Response:
        """The process answers."""
        return PlainTextResponse("ok")

    async def ready(self, _request: Request) -> Response:
        """Whether everything is there: 200, or 503 with what is missing. Older data are served with a warning."""
        missing = await to_thread.run_sync(self.missing)
        found: dict[str, object] = {"ready": not missing, "missing": missing}
        if self.serves_older and not missing:
            found["warning"] = "newer data could not be read; an older extract is served"
        return JSONResponse(found, status_code=503 if missing else 200)

    def missing(self) -> list[str]:
        """What is missing, each in a few words."""
        # Whoever asks while someone finds out gets the answer before: a store that hangs must not
        # hold up everyone who asks.
        if self._lock.acquire(blocking=False):
            try:
                if time.monotonic() - self._asked >= ASKED_EVERY:
                    self._missing = [*self._missing_store(), *self._missing_extract()]
                    self._asked = time.monotonic()
            finally:
                self._lock.release()
        return [*(["the server is stopping"] if self.stopping else []), *self._missing]

    def extract_age(self) -> float:
        """Seconds since the extract in use was built; not a number while there is none."""
        from dashboard.query_faults import WarehouseError
        from dashboard.shelf import shelf

        try:
            built = shelf().current().catalogue.built_at
        except WarehouseError:
            return float("nan")
        return (datetime.now(UTC) - built.replace(tzinfo=UTC)).total_seconds()

    def alerts_age(self) -> float:
        """Seconds since everybody's alert rules were last evaluated; not a number before the first time."""
        run = AlertChannels(self._store).last_run()
        return (datetime.now(UTC) - run.at).total_seconds() if run else float("nan")

    def _missing_store(self) -> list[str]:
        try:
            self._store.ping()
        except SQLAlchemyError:
            return ["the state store does not answer"]
        return []

    def _missing_extract(self) -> list[str]:
        if not self.warm:
            return ["the server is warming up"]
        from dashboard.query_faults import WarehouseError
        from dashboard.shelf import shelf

        try:
            shelf().current().ping()
        except WarehouseError:
            return ["no extract can be read"]
        self.serves_older = shelf().warning is not None
        return []
