"""Published cases of tests/reference/statistics.json, worked out again by a driver for each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from numpy.testing import assert_allclose

REFERENCE = Path(__file__).parent.parent / "reference" / "statistics.json"

Driver = Callable[[Any, Any], Iterable[tuple[Any, Any]]]


def cases(module: str) -> list[dict[str, Any]]:
    """The published cases of a module of statistics."""
    return [case for case in json.loads(REFERENCE.read_text("utf-8")) if case["module"] == module]


def assert_as_published(case: Mapping[str, Any], drivers: Mapping[str, Driver]) -> None:
    """Each pair of found and published that the case's driver gives agrees to the case's tolerance."""
    tolerance = case["tolerance"]
    for found, wanted in drivers[case["id"]](case["inputs"], case["expected"]):
        assert_allclose(found, wanted, rtol=tolerance.get("rel", 0), atol=tolerance.get("abs", 0))
