"""Waiting for what another thread or process does."""

import time


def until(condition, seconds=60):
    """Wait until it is so; fails where it isn't within the time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "not within the time"
        time.sleep(0.01)
