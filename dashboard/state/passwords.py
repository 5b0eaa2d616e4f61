"""Passwords: what makes one acceptable, how it is hashed and checked."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import bcrypt


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

SHORTEST = 10
#: bcrypt reads no more than this many bytes.
MOST_BYTES = 72
FEWEST_DIFFERENT = 5
DEMO_PASSWORD = "demo-ketamine-2026"  # noqa: S105 - public on purpose
_COMMON = frozenset(
    {"1234567890", "0123456789", "qwertyuiop", "password12", "password123", "iloveyou12"}
    | {"passw0rd12", "letmein123", "welcome123", "administrator", "dashboard1", "infusion123"}
    | {DEMO_PASSWORD}
)


def fault(password: str, username: str) -> str | None:
    """Why a password is not acceptable for this account, as a sentence; None if it is."""
    if len(password.encode()) > MOST_BYTES:
        return f"The password must be {MOST_BYTES} bytes or shorter."
    if not Validator().validate_length(password, SHORTEST, MOST_BYTES):
        return f"The password needs {SHORTEST} characters or more, on one line."
    if len(set(password)) < FEWEST_DIFFERENT:
        return f"The password needs {FEWEST_DIFFERENT} different characters or more."
    if username in password.casefold():
        return "The password must not contain the user name."
    if password.casefold() in _COMMON:
        return "This password is on the list of common or published passwords."
    return None


def digest(password: str, rounds: int) -> str:
    """Hash of a password with bcrypt at a cost of 2^rounds."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds)).decode()


def matches(password: str, password_hash: str) -> bool:
    """Whether the password belongs to the hash; takes the same time when it can't."""
    fits = len(password.encode()) <= MOST_BYTES
    return bool(Hasher.check_pw(password if fits else "", password_hash)) and fits


@cache
def decoy(rounds: int) -> str:
    """A hash that belongs to nobody, checked for unknown names so that they take as long."""
    return digest("nobody signs in with this", rounds)
