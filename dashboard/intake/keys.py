"""The key that turns patient ids into numbers, and what DuckDB needs of it."""

from __future__ import annotations

import hmac
from hashlib import sha256
from pathlib import Path

from dashboard import keyfile
from dashboard.intake.contract import DeliveryError
from dashboard.keyfile import KEY_BYTES

FILE_NAME = "patient.key"
#: Of the demo delivery only, which holds no real patient: the same numbers everywhere.
DEMO_KEY = sha256(b"infusion dashboard demo delivery").digest()
_BLOCK = 64


def patient_key(state: Path, given: str | None = None, file: Path | None = None) -> bytes:
    """The installation's key; made at first use, readable by its owner only.

    Args:
        state: folder in which it is kept unless one of the others is set.
        given: the key itself, 64 hexadecimal digits.
        file: where it lies instead; it must be there, with 32 bytes or 64 hexadecimal digits.

    Raises:
        DeliveryError: the key cannot be made or read, or is damaged, or others may read its file.
    """
    if given is not None:
        return _from_hex(given, "DASHBOARD_PATIENT_KEY")
    if file is not None:
        return _from_file(file)
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


def _from_hex(text: str, where: str) -> bytes:
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise DeliveryError(f"{where} must be {2 * KEY_BYTES} hexadecimal digits; nothing was imported")
    return key


def _from_file(path: Path) -> bytes:
    try:
        mode, content = path.stat().st_mode, path.read_bytes()
    except OSError as error:
        raise DeliveryError(
            f"the patient key {path} that DASHBOARD_PATIENT_KEY_FILE names cannot be read ({error.strerror}); "
            "nothing was imported"
        ) from error
    if mode & 0o077:
        raise DeliveryError(f"others may read the patient key {path}; run: chmod 600 {path}")
    if len(content) == KEY_BYTES:
        return content
    return _from_hex(content.decode("ascii", "replace"), f"the patient key {path}")


def padded(key: bytes) -> dict[str, bytes]:
    """The two blocks that HMAC-SHA256 puts before its inner and its outer message."""
    block = key.ljust(_BLOCK, b"\0")
    return {
        "inner": bytes(byte ^ 0x36 for byte in block),
        "outer": bytes(byte ^ 0x5C for byte in block),
    }


def check_of(key: bytes) -> str:
    """What tells keys apart and doesn't give them away: 16 hexadecimal digits."""
    return hmac.new(key, b"which key made the patient numbers", sha256).hexdigest()[:16]
