"""What the store must give back in clear text is encrypted with a key outside the database."""

from __future__ import annotations

from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from dashboard import key_files

FILE = "second-factor.key"


class SealError(ValueError):
    """What was sealed can't be opened: the key is another one, or the text was changed."""


class Seal:
    """Encrypts and decrypts small texts with the key in the state folder."""

    def __init__(self, state: Path) -> None:
        self._file = state / FILE

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
            raise SealError(f"The key {self._file} does not open what the state store holds.") from None

    def _fernet(self) -> Fernet:
        return Fernet(key_files.read_or_make(self._file, Fernet.generate_key))
