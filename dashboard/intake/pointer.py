"""The pointer file: which extract is in use."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

FILE_NAME = "current.json"
_NAME = re.compile(r"extract-[0-9TZ]+-[0-9a-f]{12}\.duckdb")


class ExtractError(RuntimeError):
    """The pointer or the extract that it names cannot be used; the message says what to do."""


@dataclass(frozen=True)
class Pointer:
    """The extract in use.

    Attributes:
        name: file name of the extract.
        sha256: digest of its bytes, lower-case hex.
        bytes: its size.
        path: where it lies.
    """

    name: str
    sha256: str
    bytes: int
    path: Path


def current(extracts: Path) -> Pointer | None:
    """The extract that is in use, or None where nothing was published yet.

    The size is compared and the digest is not: this is called at every page.

    Raises:
        ExtractError: the pointer is damaged, or its extract is missing or of another size.
    """
    path = extracts / FILE_NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        name, sha256, size = content["name"], content["sha256"], content["bytes"]
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ExtractError(f"{path} cannot be read ({error.strerror}); check who may read it") from error
    except (ValueError, TypeError, KeyError) as error:
        raise ExtractError(f"{path} is damaged; import the delivery again") from error
    well_formed = isinstance(name, str) and isinstance(sha256, str) and isinstance(size, int)
    if not well_formed or not _NAME.fullmatch(name):
        raise ExtractError(f"{path} is damaged; import the delivery again")
    target = extracts / name
    try:
        found = target.stat().st_size
    except OSError as error:
        raise ExtractError(
            f"the extract {name} that {path} names cannot be found; import the delivery again"
        ) from error
    if found != size:
        raise ExtractError(f"the extract {name} has {found:,} bytes instead of {size:,}; import the delivery again")
    return Pointer(name, sha256, size, target)
