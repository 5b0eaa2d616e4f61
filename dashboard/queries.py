"""The questions in queries/*.sql: what each binds, whom it serves and what it hides."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dashboard import access
from dashboard.query_faults import WarehouseError
from dashboard.settings import QUERIES

_PARAMETER = re.compile(r"\$([a-z_]+)")
_HEADER = re.compile(r"^--\s*(serves|sites|hides|order|level):\s*(.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Query:
    """One question: its SQL, the values it binds and the resources that it serves.

    A query is refused to a viewer who may see none of `serves`. `by_site` is false only where
    the comment says `-- sites: none`, for answers that hold no row of a site. `hides` are the
    columns that could tell small counts of side effects. `order` are the columns by which the
    extract lies sorted, where the query relies on it instead of sorting. `levels` says whether
    it answers by several dimensions at once, which a column `level` tells apart.
    """

    name: str
    sql: str
    parameters: frozenset[str]
    serves: tuple[str, ...]
    by_site: bool
    hides: tuple[str, ...] = ()
    order: str = ""
    levels: bool = False


@cache
def queries() -> dict[str, Query]:
    """Every query in queries/*.sql by name.

    Raises:
        WarehouseError: one of them can't be used.
    """
    return {path.stem: read_query(path) for path in sorted(QUERIES.glob("*.sql"))}


def read_query(path: Path) -> Query:
    """The query in a file.

    Raises:
        WarehouseError: it doesn't say whom it serves, or doesn't bind `$sites`.
    """
    text = path.read_text(encoding="utf-8")
    header = {key: value.strip() for key, value in _HEADER.findall(text)}
    sql = re.sub(r"--[^\n]*", "", text).strip().rstrip(";")
    parameters = frozenset(_PARAMETER.findall(sql))
    by_site = header.get("sites") != "none"
    serves = tuple(header.get("serves", "").split())
    if unknown := set(serves) - set(access.RESOURCES):
        raise WarehouseError(f"{path.name}: serves unknown resources: {', '.join(sorted(unknown))}")
    if not serves:
        raise WarehouseError(f"{path.name}: add a comment '-- serves: …' that names its resources")
    if by_site and "sites" not in parameters:
        raise WarehouseError(f"{path.name}: must restrict its rows with $sites")
    hides, order = tuple(header.get("hides", "").split()), header.get("order", "")
    return Query(path.stem, sql, parameters, serves, by_site, hides, order, "level" in header)
