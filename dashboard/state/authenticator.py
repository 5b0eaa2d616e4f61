"""What streamlit-authenticator checks of passwords; it brings all of Streamlit along, which few commands need."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back warnings: streamlit-authenticator declares widgets when it is imported, and
    Streamlit warns that no page is running."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


with _quiet():
    from streamlit_authenticator.utilities.hasher import Hasher
    from streamlit_authenticator.utilities.validator import Validator


def belongs(password: str, password_hash: str) -> bool:
    """Whether a password belongs to a hash."""
    return bool(Hasher.check_pw(password, password_hash))


def is_long_enough(password: str, shortest: int, longest: int) -> bool:
    """Whether it has so many characters, on one line."""
    return bool(Validator().validate_length(password, shortest, longest))
