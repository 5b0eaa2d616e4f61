"""What rarely stands in JSON and would be overlooked, or do harm, further on."""

from __future__ import annotations

import json
import re
from typing import Any

MODIFIER = "modifierExtension"
_MODIFIER_TEXT = f'"{MODIFIER}"'
_MODIFIER_BYTES = _MODIFIER_TEXT.encode()
#: Stands where a character was none.
NO_CHARACTER = "\ufffd"
_HALF = re.compile("[\ud800-\udfff]")
_HALF_TEXT = re.compile(r"\\u[dD][89a-fA-F]")
_HALF_BYTES = re.compile(rb"\\u[dD][89a-fA-F]")


def mended(value: Any, line: bytes) -> Any:
    """A value that was read of a line, which is searched as a whole: that costs nothing where all is well."""
    if b"\\" in line and _HALF_BYTES.search(line):
        value = _whole_characters(value)
    if _MODIFIER_BYTES in line:
        raise_modifiers(value)
    return value


def mended_part(value: Any, text: str, start: int, end: int) -> tuple[Any, bool]:
    """The same for a part of a document, and whether it holds a modifier."""
    if text.find("\\", start, end) >= 0 and _HALF_TEXT.search(text, start, end):
        value = _whole_characters(value)
    modified = text.find(_MODIFIER_TEXT, start, end) >= 0
    if modified:
        raise_modifiers(value)
    return value, modified


def _whole_characters(value: Any) -> Any:
    """The value without halves of characters, which JSON can spell and nothing can store."""
    return json.loads(_HALF.sub(NO_CHARACTER, json.dumps(value, ensure_ascii=False)))


def raise_modifiers(value: Any) -> bool:
    """Give a modifier anywhere inside a resource to the resource itself; whether there was one.

    It may turn what it stands in into the opposite, so nothing of the resource can be relied on.
    """
    inside = False
    if isinstance(value, list):
        for one in value:
            inside = raise_modifiers(one) or inside
    elif isinstance(value, dict):
        inside = MODIFIER in value
        for one in value.values():
            inside = raise_modifiers(one) or inside
        if inside and "resourceType" in value:
            value.setdefault(MODIFIER, [])
    return inside
