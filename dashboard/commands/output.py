"""Files that commands write: whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

from dashboard import folders
from dashboard.interruption import no_way_back


def put(
    output: Path,
    parts: Iterable[bytes],
    *,
    mode: int = 0o666,
    within: AbstractContextManager[object] | None = None,
) -> None:
    """Write a file; it gets its name when all is there, within `within`.

    Raises:
        OSError: it cannot be written.
    """
    part = output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        with open(part, "wb", opener=partial(folders.opened, mode=mode)) as file:
            for data in parts:
                file.write(data)
            file.flush()
            os.fsync(file.fileno())
        no_way_back()
        with within or nullcontext():
            part.replace(output)
    except OSError as error:
        if error.filename == str(part):
            # The name that was asked for, and not the one that the file has until it is whole.
            error.filename = str(output)
        raise
    finally:
        part.unlink(missing_ok=True)
