"""What the store must give back in clear text is encrypted with a key outside the database."""

from __future__ import annotations

import base64
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from dashboard import keyfile
from dashboard.settings import Settings

FILE = "second-factor.key"


class SealError(ValueError):
    """What was sealed can't be opened: the key is another one, or the text was changed."""


class Seal:
    """Encrypts and decrypts small texts with the key in a file, made at first use."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @classmethod
    def for_settings(cls, settings: Settings) -> Seal:
        """With the key that the settings name, or the one in the state folder."""
        return cls(settings.second_factor_key or settings.state / FILE)

    def close(self, text: str) -> str:
        """The text encrypted and authenticated."""
        return self._fernet().encrypt(text.encode()).decode("ascii")

    def open(self, sealed: str) -> str:
        """The text that was sealed.

        Raises:
            SealError: it was sealed with another key, or changed.
        """
        try:
            return self._fernet().decrypt(sealed.encode("ascii")).decode()
        except InvalidToken:
            raise SealError(
                f"The key {self._file} does not open what the state store holds. Put back the right one."
            ) from None

    def _fernet(self) -> Fernet:
        key = keyfile.read_or_make(self._file)
        try:
            return Fernet(base64.urlsafe_b64encode(key))
        except ValueError:
            raise SealError(f"The key {self._file} is damaged. Restore it from a copy.") from None
