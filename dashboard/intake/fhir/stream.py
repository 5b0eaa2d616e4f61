"""Streams the resources of a file one by one: NDJSON, a single resource, a Bundle, plain or gzip."""

from __future__ import annotations

import codecs
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from dashboard.intake.fhir.mending import mended, mended_part, raise_modifiers
from dashboard.intake.fhir.opening import BOM, open_bytes
from dashboard.intake.reading.unpacking import CHUNK

#: No line and no entry of a Bundle may be longer; one of them is in memory at a time.
LONGEST_RESOURCE = 16_000_000
_WHITE = re.compile(r"[ \t\r\n]*")
_LINE_ENDINGS = (".ndjson", ".jsonl")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Item:
    """What stands at one place of a file.

    Attributes:
        line: the physical line on which it begins.
        number: how many items the file has up to this one.
        resource: the resource; None where there is none.
        fault: why it can't be read; None where it is a resource, or an entry without one.
        full_url: the entry's fullUrl, within a Bundle.
        deleted: of an entry that says that a resource was deleted: its address, and when, if that is said.
    """

    line: int
    number: int
    resource: Json | None = None
    fault: str | None = None
    full_url: str | None = None
    deleted: tuple[str, str] | None = None


def read_items(path: Path, *, unambiguous: bool = False) -> Iterator[Item]:
    """The items of a file in their order.

    Args:
        path: NDJSON or JSON; plain or gzip.
        unambiguous: whether it was read before, and nothing in it names an element twice; to look for that takes
            as long as all else.

    Raises:
        OSError, EOFError, zlib.error: the file can't be read.
    """
    with open_bytes(path) as file:
        name = path.name.lower().removesuffix(".gz")
        lines = _is_lines(file, name.endswith(_LINE_ENDINGS))
        decoder = _LENIENT if unambiguous else _DECODER
        found = _from_lines(file, decoder) if lines else _Document(file, decoder).items()
        for number, (line, resource, fault, about) in enumerate(found, start=1):
            if isinstance(about, tuple):
                yield Item(line, number, deleted=about)
            else:
                yield Item(line, number, resource, fault, about)


#: Line, resource, fault, and the entry's fullUrl or what it deletes.
_Found = tuple[int, Json | None, str | None, str | tuple[str, str] | None]


def _is_lines(file: io.BufferedReader, named_lines: bool) -> bool:
    """Whether each line is a resource, by what the first two lines look like, else by the name."""
    start = file.peek(CHUNK).removeprefix(BOM).lstrip()
    line, _, rest = start.partition(b"\n")
    line, after = line.strip(), rest.lstrip()[:1]
    if line.startswith(b"["):
        return False
    if (line.endswith((b"{", b"[")) or after in (b'"', b"}")) and _goes_on(line):
        # A printed document under a name for lines still is a document.
        return False
    if named_lines or (line.startswith(b"{") and after == b"{"):
        return True
    try:
        return after != b"" and isinstance(_loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _goes_on(line: bytes) -> bool:
    """Whether a line is the whole of nothing and wrong in nothing: the next one goes on with it."""
    try:
        _loads(line)
    except json.JSONDecodeError as error:
        return error.pos >= len(error.doc)
    except (ValueError, RecursionError):
        return False
    return False


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number of JSON")


class _TwiceError(ValueError):
    """An object names an element twice, so that either value could be meant."""


def _named_once(pairs: list[tuple[str, Any]]) -> Json:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise _TwiceError
    return made


#: Decimals stay text, digit for digit: amounts are not to be rounded.
_DECODER = json.JSONDecoder(parse_float=str, parse_constant=_refuse_constant, object_pairs_hook=_named_once)
#: For what is known to name nothing twice, or to tell where a value ends.
_LENIENT = json.JSONDecoder(parse_float=str, parse_constant=_refuse_constant)


def _loads(line: bytes, decoder: json.JSONDecoder = _DECODER) -> Any:
    text = line.decode("utf-8")
    if text.startswith("{"):
        # Without looking for white space twice, which takes as long as reading a short line.
        value, end = decoder.raw_decode(text)
        if not text[end:].strip(" \t\r\n"):
            return value
    return decoder.decode(text)


_NOT_UTF8 = "is not UTF-8"
_TOO_DEEP = "is nested too deeply"
_TOO_LONG = f"is longer than {LONGEST_RESOURCE:,} bytes"
_NO_OBJECT = "is not a JSON object"
TWICE = "names an element twice"
#: Stands for a value that does.
_AMBIGUOUS: Any = object()


def _why(error: Exception) -> str:
    """A sentence without a word of the content."""
    if isinstance(error, UnicodeDecodeError):
        return _NOT_UTF8
    if isinstance(error, RecursionError):
        return _TOO_DEEP
    if isinstance(error, _TwiceError):
        return TWICE
    if isinstance(error, json.JSONDecodeError):
        return f"is not JSON ({error.msg}, column {error.colno:,})"
    return "is not JSON (a number that JSON doesn't have)"


def _from_lines(file: io.BufferedReader, decoder: json.JSONDecoder) -> Iterator[_Found]:
    number = 0
    while line := file.readline(LONGEST_RESOURCE):
        number += 1
        if line.startswith(BOM):
            # Files that were put one after the other have several.
            line = line.removeprefix(BOM)
        if len(line) == LONGEST_RESOURCE and not line.endswith(b"\n"):
            while (rest := file.readline(CHUNK)) and not rest.endswith(b"\n"):
                pass
            yield number, None, _TOO_LONG, None
            continue
        if not line.strip():
            continue
        try:
            value = mended(_loads(line, decoder), line)
        except (ValueError, RecursionError) as error:
            yield from _from_broken(line, number, error)
        else:
            yield from _unfold(value, number)


def _from_broken(line: bytes, number: int, error: Exception) -> Iterator[_Found]:
    """A line that is no single value may hold several, where a line break was lost, or end with a comma."""
    if isinstance(error, _TwiceError):
        # A Bundle in a line is sound but for the entry that does so.
        document = _Document(io.BufferedReader(io.BytesIO(line)), _DECODER)
        for _, resource, fault, about in document.items():
            yield number, resource, fault, about
        return
    try:
        values = list(_in_turn(line.decode("utf-8")))
    except (ValueError, RecursionError):
        values = []
    if not values or not all(isinstance(value, dict) for value in values):
        yield number, None, _why(error), None
        return
    for value in mended(values, line):
        yield from _unfold(value, number)


def _in_turn(text: str) -> Iterator[Any]:
    position = 0
    while position < len(text):
        if text[position] in ", \t\r\n":
            position += 1
            continue
        value, position = _DECODER.raw_decode(text, position)
        yield value


def _unfold(value: Any, line: int, full_url: str | None = None) -> Iterator[_Found]:
    """A resource as it is; of a Bundle its entries."""
    if not isinstance(value, dict):
        yield line, None, TWICE if value is _AMBIGUOUS else _NO_OBJECT, None
    elif value.get("resourceType") != "Bundle":
        yield line, value, None, full_url
    else:
        entries = value.get("entry", [])
        for entry in entries if isinstance(entries, list) else [entries]:
            yield from _entry(entry, line)


def _entry(entry: Any, line: int) -> Iterator[_Found]:
    if not isinstance(entry, dict):
        yield line, None, TWICE if entry is _AMBIGUOUS else _NO_OBJECT, None
    elif "resource" in entry:
        full_url = entry.get("fullUrl")
        yield from _unfold(entry["resource"], line, full_url if isinstance(full_url, str) else None)
    else:
        yield line, None, None, _deletion(entry)


def _deletion(entry: Json) -> tuple[str, str] | None:
    request, response = entry.get("request"), entry.get("response")
    if not isinstance(request, dict) or request.get("method") != "DELETE" or not isinstance(request.get("url"), str):
        return None
    moment = response.get("lastModified") if isinstance(response, dict) else None
    return request["url"], moment if isinstance(moment, str) else ""


class _Document:
    """A JSON document read in parts, so that a Bundle of any size takes the memory of one entry."""

    def __init__(self, file: io.BufferedReader, decoder: json.JSONDecoder) -> None:
        self._file = file
        self._json = decoder
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._buffer = ""
        self._position = 0
        self._line = 1
        self._at_end = False
        self._modified = False

    def items(self) -> Iterator[_Found]:
        """All resources; one that is broken ends the document, since nothing tells where the next begins."""
        try:
            while self._peek():
                yield from self._top()
        except (ValueError, RecursionError) as error:
            if isinstance(error, json.JSONDecodeError):
                why = f"is not JSON ({error.msg})"
            else:
                why = _TOO_LONG if isinstance(error, _TooLongError) else _why(error)
            yield self._line, None, f"{why}; nothing from here on was read", None

    def _top(self) -> Iterator[_Found]:
        line, opening = self._line, self._peek()
        if opening == "[":
            for start, value in self._elements():
                yield from _unfold(value, start)
            return
        if opening != "{":
            self._value()
            yield line, None, _NO_OBJECT, None
            return
        members: Json = {}
        streamed = False
        for name in self._names():
            of_bundle = members.get("resourceType", "Bundle") == "Bundle"
            if name == "entry" and of_bundle and self._peek() == "[":
                streamed = True
                for start, value in self._elements():
                    yield from _entry(value, start)
            else:
                value = self._value()
                members[name] = _AMBIGUOUS if name in members else value
        if not streamed and any(value is _AMBIGUOUS for value in members.values()):
            yield line, None, TWICE, None
        elif not streamed:
            if self._modified:
                raise_modifiers(members)
            yield from _unfold(members, line)

    def _names(self) -> Iterator[str]:
        """The members of an object, each to be followed by taking its value."""
        self._take("{")
        if self._peek() == "}":
            self._take("}")
            return
        while True:
            self._peek()
            name = self._value()
            if not isinstance(name, str):
                raise json.JSONDecodeError("Expecting property name", "", 0)
            self._take(":")
            yield name
            if self._peek() == "}":
                self._take("}")
                return
            self._take(",")

    def _elements(self) -> Iterator[tuple[int, Any]]:
        self._take("[")
        if self._peek() == "]":
            self._take("]")
            return
        while True:
            self._peek()
            line = self._line
            yield line, self._value()
            if self._peek() == "]":
                self._take("]")
                return
            self._take(",")

    def _peek(self) -> str:
        """The next character that is no white space; empty at the end."""
        while True:
            white = _WHITE.match(self._buffer, self._position)
            end = white.end() if white else self._position
            self._line += self._buffer.count("\n", self._position, end)
            self._position = end
            if end < len(self._buffer):
                return self._buffer[end]
            if not self._more():
                return ""

    def _take(self, character: str) -> None:
        if self._peek() != character:
            raise json.JSONDecodeError(f"Expecting {character!r}", "", 0)
        self._position += 1

    def _value(self) -> Any:
        self._peek()
        while True:
            try:
                value, end = self._json.raw_decode(self._buffer, self._position)
            except json.JSONDecodeError:
                if not self._more():
                    raise
                continue
            except _TwiceError:
                # It is seen before the value is at hand as a whole.
                try:
                    value, (_, end) = _AMBIGUOUS, _LENIENT.raw_decode(self._buffer, self._position)
                except json.JSONDecodeError:
                    if not self._more():
                        raise
                    continue
            # What ends with the buffer, like a number, may go on.
            if end < len(self._buffer) or not self._more():
                break
        self._line += self._buffer.count("\n", self._position, end)
        if value is not _AMBIGUOUS:
            value, modified = mended_part(value, self._buffer, self._position, end)
            self._modified |= modified
        self._position = end
        return value

    def _more(self) -> bool:
        """Have more characters at hand, at least twice as many; whether there were any."""
        if self._at_end:
            return False
        left = self._buffer[self._position :]
        if len(left) > LONGEST_RESOURCE:
            raise _TooLongError
        part = self._file.read(max(CHUNK, len(left)))
        self._at_end = not part
        self._buffer, self._position = left + self._decoder.decode(part, self._at_end), 0
        return not self._at_end


class _TooLongError(ValueError):
    """An entry goes on beyond the longest that is read."""
