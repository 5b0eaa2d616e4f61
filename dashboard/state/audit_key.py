"""The key of the audit record, and what is sealed with it."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from dashboard import keyfile
from dashboard.state.audit_head import Head
from dashboard.state.database import StateError


class Sealer:
    """Keyed hashes with the key in a file, made at first use unless `is_used` says that there is a record already."""

    def __init__(self, path: Path, is_used: Callable[[], bool]) -> None:
        self.path = path
        self._is_used = is_used
        self._key: bytes | None = None

    def entry(self, before: str, *, number: int, at: datetime, **words: str) -> str:
        """The seal of an entry that follows the one with the seal `before`."""
        return self.hash(["entry", before, number, at.isoformat(), *(words[key] for key in sorted(words))])

    def head(self, head: Head) -> str:
        """The signature of a head."""
        return self.hash(["head", head.entries, head.seal])

    def hash(self, parts: list[Any]) -> str:
        """Keyed hash of a list of texts and numbers, written so that no two lists look alike.

        Raises:
            StateError: the key is missing or can't be used.
        """
        if self._key is None:
            self._key = self._read_key()
        return hmac.new(self._key, json.dumps(parts).encode(), hashlib.sha256).hexdigest()

    def _read_key(self) -> bytes:
        if not self.path.exists() and self._is_used():
            raise StateError(
                f"The audit key {self.path} is missing, and what is on record is sealed with it. Put it back from "
                "its copy, or correct DASHBOARD_AUDIT_KEY. Until then nothing can be recorded, and nobody can sign "
                "in. Where no copy is left: dashboard audit renew-key --lost"
            )
        try:
            key = keyfile.read_or_make(self.path)
        except OSError as error:
            raise StateError(
                f"The audit key {self.path} cannot be read or made ({error.strerror}). Check the folder's "
                "permissions, or DASHBOARD_AUDIT_KEY."
            ) from error
        if len(key) < keyfile.KEY_BYTES:
            raise StateError(
                f"The audit key {self.path} has {len(key)} bytes, fewer than {keyfile.KEY_BYTES}. "
                "Restore it from a copy."
            )
        return key
