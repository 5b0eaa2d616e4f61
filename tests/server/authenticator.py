"""An authenticator app: the codes that a secret makes."""

from __future__ import annotations

import time

import pyotp

STEP = 30


def steady(seconds: float = 8) -> None:
    """Wait until the present code stays for a while, so that a test doesn't straddle two."""
    left = STEP - time.time() % STEP
    if left < seconds:
        time.sleep(left + 0.1)


def code(secret: str, later: int = 0) -> str:
    """The code of the present time step, or of one so many steps later."""
    return pyotp.TOTP(secret).at(int(time.time()) + later * STEP)
