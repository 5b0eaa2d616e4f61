"""Keys kept in files: made at first use, whole or not at all, readable by their owner only."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from dashboard import folders

KEY_BYTES = 32


def read_or_make(path: Path) -> bytes:
    """The key in this file, made with its folder where there is none.

    Raises:
        OSError: it cannot be made or read.
    """
    folders.make(path.parent, 0o700)
    if not path.exists():
        _make(path)
    return path.read_bytes()


def _make(path: Path) -> None:
    """Write a new key whole or not at all; a key that appeared meanwhile is kept."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = folders.opened(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)
        except FileExistsError:
            return
    finally:
        temporary.unlink()
