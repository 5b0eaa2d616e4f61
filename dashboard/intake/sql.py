"""Statements of queries/build, and the one place where names are put into SQL."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import duckdb

from dashboard.settings import QUERIES

#: The database beside the extract for rows on their way into it, under this name.
STAGED = "staged"


@cache
def statements(name: str) -> tuple[str, ...]:
    """The statements of queries/build/NAME.sql, without their comments; each ends its line with ;."""
    text = (QUERIES / "build" / f"{name}.sql").read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("--"))
    parts = re.split(r";\s*$", "\n".join(lines), flags=re.MULTILINE)
    return tuple(part.strip() for part in parts if part.strip())


def parameters(statement: str) -> frozenset[str]:
    """Names of the values that a statement binds."""
    return frozenset(re.findall(r"\$([a-z][a-z0-9_]*)", statement))


def identifier(name: str) -> str:
    """A table's or column's name, quoted."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text where DuckDB takes no parameter, as in the definition of a view."""
    return "'" + text.replace("'", "''") + "'"


def path_literal(path: Path) -> str:
    """A file's path where DuckDB reads files: the one file, whatever marks of a pattern stand in its name."""
    return literal(re.sub(r"[*?\[]", lambda mark: f"[{mark.group()}]", str(path)))


def told(error: duckdb.Error, path: Path | None = None) -> str:
    """What DuckDB says of a fault in its first line, without what it quotes, which may be a patient's value."""
    line = next(iter(str(error).splitlines()), "")
    if path is not None:
        line = re.sub(rf"""\s?["']?{re.escape(str(path))}["']?""", "", line)
    return re.sub(r"""\s?(?<!\w)["'].*""", " …", line).strip() or type(error).__name__
