"""Passwords: what makes one acceptable, how it is hashed and checked."""

from __future__ import annotations

from pathlib import Path

import bcrypt

SHORTEST = 10
#: bcrypt reads no more than this many bytes.
MOST_BYTES = 72
FEWEST_DIFFERENT = 5
#: A shorter user name may stand in a password: every other word has it.
SHORTEST_NAME = 3
DEMO_PASSWORD = "demo-ketamine-2026"  # noqa: S105 - public on purpose
#: What weak passwords are made of; with digits and marks around it each stays weak.
_COMMON_WORDS = frozenset(Path(__file__).with_name("common-words.txt").read_text(encoding="ascii").split())
_LOOKALIKES = str.maketrans("0134578@$!|", "oieastbasil")
_EDGES = "0123456789 .,;:!?@#$%^&*()_+-=/\\\"'<>|~`"
#: Rows of keys and the alphabet, in which a password is no more than a walk.
_WALKS = ("01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "abcdefghijklmnopqrstuvwxyz", "1qaz2wsx3edc4rfv5tgb")

#: What stands in the place of a hash that no password has.
_NOBODY = 53 * "."


def fault(password: str, username: str, shortest: int = SHORTEST) -> str | None:
    """Why a password is not acceptable for this account, as a sentence; None if it is."""
    if len(password.encode()) > MOST_BYTES:
        return f"The password must be {MOST_BYTES} bytes or shorter."
    from dashboard.state import authenticator

    if not authenticator.is_long_enough(password, shortest, MOST_BYTES):
        return f"The password needs {shortest} characters or more, on one line."
    if len(set(password)) < FEWEST_DIFFERENT:
        return f"The password needs {FEWEST_DIFFERENT} different characters or more."
    if len(username) >= SHORTEST_NAME and username in password.casefold():
        return "The password must not contain the user name."
    if _is_common(password.casefold()):
        return "This password is among the common or published ones. Take several unrelated words instead."
    return None


def _is_common(password: str) -> bool:
    """Whether a list of common passwords would have it: a word in disguise, or a walk on the keys."""
    if password == DEMO_PASSWORD:
        return True
    bare = password.replace(" ", "").strip(_EDGES)
    cores = {bare, bare.translate(_LOOKALIKES), password.translate(_LOOKALIKES).strip(_EDGES)}
    halves = {core[: len(core) // 2] for core in cores if core[: len(core) // 2] * 2 == core}
    if not bare or (cores | halves) & _COMMON_WORDS:
        return True
    return any(password in walk * 2 or password in walk[::-1] * 2 for walk in _WALKS)


def digest(password: str, rounds: int) -> str:
    """Hash of a password with bcrypt at a cost of 2^rounds."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds)).decode()


def matches(password: str, password_hash: str) -> bool:
    """Whether the password belongs to the hash; takes the same time when it can't."""
    from dashboard.state import authenticator

    fits = len(password.encode()) <= MOST_BYTES
    return authenticator.belongs(password if fits else "", password_hash) and fits


def decoy(rounds: int) -> str:
    """A hash that belongs to nobody, checked for unknown names so that they take as long."""
    return f"$2b${rounds:02d}$" + _NOBODY


def is_decoy(password_hash: str) -> bool:
    """Whether no password can match: that of an account whose owner has not set one yet."""
    return password_hash.endswith(_NOBODY)
