"""The key that turns patient ids into numbers, and what DuckDB needs of it."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from dashboard import keyfile
from dashboard.intake.contract import DeliveryError
from dashboard.keyfile import KEY_BYTES

FILE_NAME = "patient.key"
#: Of the demo delivery only, which holds no real patient: the same numbers everywhere.
DEMO_KEY = sha256(b"infusion dashboard demo delivery").digest()
_BLOCK = 64


def patient_key(state: Path) -> bytes:
    """The installation's key; made at first use, readable by its owner only.

    Raises:
        DeliveryError: the key cannot be made or read, or is damaged.
    """
    path = state / FILE_NAME
    try:
        key = keyfile.read_or_make(path)
    except OSError as error:
        raise DeliveryError(
            f"the patient key {path} cannot be read or written ({error.strerror}); check the folder's permissions"
        ) from error
    if len(key) != KEY_BYTES:
        raise DeliveryError(
            f"the patient key {path} has {len(key)} bytes instead of {KEY_BYTES}; restore it from "
            "a backup, or delete it: patients then get new numbers at the next import"
        )
    return key


def padded(key: bytes) -> dict[str, bytes]:
    """The two blocks that HMAC-SHA256 puts before its inner and its outer message."""
    block = key.ljust(_BLOCK, b"\0")
    return {
        "inner": bytes(byte ^ 0x36 for byte in block),
        "outer": bytes(byte ^ 0x5C for byte in block),
    }
