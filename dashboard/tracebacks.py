"""Tracebacks for a log: the lines of the program, without the words of errors that may quote the data."""

from __future__ import annotations

import traceback
from collections.abc import Iterator

#: Exceptions whose words name parts of the program or of the machine. Others may quote a cell of the data.
_SPEAKING = (AttributeError, ImportError, MemoryError, NameError, NotImplementedError, OSError, RecursionError)


def traceback_text(error: BaseException) -> str:
    """The traceback with the lines of the program, and of the exceptions' words only those without data."""
    return "".join(_told(error, set())).rstrip("\n")


def _told(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier is not None and id(earlier) not in seen:
        yield from _told(earlier, seen)
        yield "which led to\n"
    yield from traceback.format_tb(error.__traceback__)
    kind = type(error)
    yield f"{kind.__module__}.{kind.__qualname__}"
    yield f": {error}\n" if isinstance(error, _SPEAKING) else "\n"
    for part in getattr(error, "exceptions", ()):
        if id(part) not in seen:
            yield from _told(part, seen)
