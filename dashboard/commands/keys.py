"""The files of the keys: which they are, and what is wrong with one."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING

from dashboard.intake import keys, pointer
from dashboard.settings import Settings

if TYPE_CHECKING:
    from dashboard.state import Store

#: What happens without a key that is gone, by what it is the key of.
_LOST = {
    "audit": "until then nothing can be recorded, and nobody can sign in",
    "patient": "at the next import every patient gets another number",
    "second-factor": "no second factor can be checked and no webhook signed; a new key is made at the next use",
}


def files(settings: Settings) -> dict[str, Path]:
    """Where the keys lie that a copy must be kept of; a patient key in the environment has no file."""
    from dashboard.state import audit, sealing

    found = {"audit": settings.audit_key or settings.state / audit.KEY_FILE}
    if settings.patient_key is None:
        found["patient"] = settings.patient_key_file or settings.state / keys.FILE_NAME
    return {**found, "second-factor": settings.second_factor_key or settings.state / sealing.FILE}


def fault(settings: Settings, store: Store) -> str | None:
    """What is wrong with the files of the keys, in a sentence; None where nothing is."""
    needed = {"audit": store.audit.has_entries(), "second-factor": store.holds_sealed()}
    needed["patient"] = _has_patients(settings)
    for name, path in files(settings).items():
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            if needed[name]:
                return f"{path} is missing; put it back from its copy: {_LOST[name]}"
            continue
        except OSError as error:
            return f"{path} cannot be read ({error.strerror}); check who may enter its folder"
        if mode & stat.S_IRWXO:
            return f"others may read {path}; run: chmod 600 {path}"
    return None


def _has_patients(settings: Settings) -> bool:
    """Whether the extract in use has numbers that were made with the installation's own key."""
    try:
        named = pointer.current(settings.extracts)
    except pointer.ExtractError:
        return False  # told of the extract itself
    return named is not None and not named.demo
