"""What is counted and timed while the server runs, for Prometheus; no name or value of a person's in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    start_http_server,
)

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)

REQUESTS = Counter(
    "dashboard_requests", "Answers by class of route and status.", ["route", "status"], registry=REGISTRY
)
REQUEST_SECONDS = Histogram(
    "dashboard_request_seconds", "Time until an answer is sent whole.", ["route"], registry=REGISTRY
)
WEBSOCKETS = Gauge("dashboard_websockets", "Open websockets.", registry=REGISTRY)
SESSIONS = Gauge("dashboard_sessions", "Sessions that are signed in, over all replicas.", registry=REGISTRY)
SIGN_IN_FAILURES = Counter("dashboard_sign_in_failures", "Refused attempts to sign in.", registry=REGISTRY)
QUERY_SECONDS = Histogram(
    "dashboard_query_seconds",
    "Time of a query that was not kept from before.",
    ["query"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20),
    registry=REGISTRY,
)
QUERIES = Counter("dashboard_query_answers", "Answers by where they came from.", ["source"], registry=REGISTRY)
EXPORTS = Counter("dashboard_exports", "Files asked for, by how it ended.", ["result"], registry=REGISTRY)
EXPORTS_RUNNING = Gauge("dashboard_exports_running", "Files being sent.", registry=REGISTRY)
EXTRACT_AGE = Gauge("dashboard_extract_age_seconds", "Time since the extract in use was built.", registry=REGISTRY)
ALERTS_AGE = Gauge(
    "dashboard_alerts_run_age_seconds", "Time since everybody's alert rules were last evaluated.", registry=REGISTRY
)
ALERTS_FAILING = Gauge(
    "dashboard_alerts_failing", "Addresses that the last alert could not be sent to.", registry=REGISTRY
)
FAULTS = Counter("dashboard_faults", "Errors that nobody foresaw.", ["where"], registry=REGISTRY)


@contextmanager
def published(port: int | None, read: dict[Gauge, Callable[[], float]]) -> Iterator[None]:
    """Serve the figures at this port of the loopback interface, if one is named; `read` are asked for each time.

    Raises:
        OSError: the port is taken.
    """
    if port is None:
        yield
        return
    for gauge, value in read.items():
        gauge.set_function(value)
    server, thread = start_http_server(port, "127.0.0.1", REGISTRY)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
