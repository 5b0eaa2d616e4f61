"""Turns the SQL of queries/ into Spark's, and names what both engines don't share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from dashboard.intake.fact_tables import ENUMS
from dashboard.intake.sql import STAGED

_TYPES = frozenset(ENUMS.values())

#: What reads in both dialects and answers differently, or that Spark lacks: with what to write instead.
_UNSHARED: Mapping[type[exp.Expr], str] = {
    exp.GenerateSeries: "a series of days; join the table calendar",
    exp.PercentileCont: "a percentile, which Spark gives approximately; count by value",
    exp.Quantile: "a quantile, which Spark gives approximately; count by value",
    exp.ApproxDistinct: "an estimate that each engine makes differently; count distinct",
    exp.DayOfWeek: "a number that each engine counts from another day; join the table calendar",
    exp.DayOfWeekIso: "a number that each engine counts from another day; join the table calendar",
    exp.Pivot: "a pivot; write the columns with filter (where …)",
    exp.Median: "a median, which Spark gives as another type; count by value",
}
_UNITS = frozenset({"YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND"})
#: Functions that sqlglot doesn't know and Spark has under the same name.
_SHARED_FUNCTIONS = frozenset({"epoch_us"})


class PortabilityError(ValueError):
    """A statement is outside the part of SQL that DuckDB and Spark share; the message names what."""


@dataclass(frozen=True)
class Statement:
    """A statement of queries/ as Spark runs it.

    Attributes:
        makes: name of the table or, where `staged`, of the view that holds its rows; empty for a bare question.
        sql: the question in Spark's dialect, its values named `:name`.
        order: the columns that the rows are sorted by, as DuckDB takes them; empty where Spark sorts them itself.
        drops: name of a table that is needed no more; then all else is empty.
    """

    makes: str = ""
    staged: bool = False
    sql: str = ""
    order: str = ""
    drops: str = ""


def question(sql: str, words: Mapping[str, Sequence[str]], order_by: str = "") -> str:
    """A question of queries/ in Spark's dialect.

    Args:
        sql: one select statement of DuckDB's.
        words: the values of each ENUM type, in order: rows are sorted by them as DuckDB sorts.
        order_by: names of columns, where the question relies on the order in which the extract lies.

    Raises:
        PortabilityError: it isn't in the part that both dialects share.
    """
    tree = _parsed(sql)
    if not isinstance(tree, exp.Query):
        raise PortabilityError(f"is no question: {sql[:60]}")
    _require_shared(tree)
    if order_by and not tree.args.get("order"):
        tree = tree.order_by(*order_by.split(), copy=False)
    if isinstance(order := tree.args.get("order"), exp.Order):
        _expand_all(order, tree)
        for ordered in order.expressions:
            _sort_as_enum(ordered, words)
    return _written(tree)


@cache
def statement(sql: str) -> Statement:
    """A statement of queries/build, whose table DuckDB sorts when it takes the rows in.

    Raises:
        PortabilityError: it isn't in the part that both dialects share.
    """
    tree = _parsed(sql)
    if isinstance(tree, exp.Drop) and tree.kind == "TABLE":
        return Statement(drops=next(table.name for table in tree.find_all(exp.Table)))
    if not isinstance(tree, exp.Create) or tree.kind != "TABLE" or not isinstance(tree.expression, exp.Query):
        raise PortabilityError(f"makes no table from a question: {tree.sql('duckdb')[:60]}")
    found = tree.expression
    _require_shared(found)
    order = ""
    if isinstance(sorting := found.args.get("order"), exp.Order):
        # A sort in Spark that DuckDB's table wouldn't keep costs for nothing.
        _expand_all(sorting, found)
        order = ", ".join(_name_of(one.this) for one in sorting.expressions)
        found.set("order", None)
    return Statement(tree.this.name, tree.this.db == STAGED, _written(found), order)


def tables(sql: str) -> frozenset[str]:
    """Names of the tables that a question reads."""
    tree = _parsed(sql)
    own = {cte.alias for cte in tree.find_all(exp.CTE)}
    return frozenset(table.name for table in tree.find_all(exp.Table)) - own


def unshared(tree: exp.Expr) -> Iterator[str]:
    """What of a statement the two dialects don't share, in words."""
    for node in tree.walk():
        for kind, why in _UNSHARED.items():
            if isinstance(node, kind):
                yield why
        if isinstance(node, exp.Join) and node.args.get("method") == "ASOF":
            yield "an asof join; Spark has none"
        if isinstance(node, exp.Column) and node.name == "rowid":
            yield "rowid; Spark has none"
        if isinstance(node, exp.DateTrunc | exp.TimestampTrunc) and node.args["unit"].name.upper() not in _UNITS:
            yield "date_trunc to a unit from a column; write a case with each unit"
        if isinstance(node, exp.Grouping) and len(node.expressions) > 1:
            yield "grouping() of several columns; add up those of each"
        if isinstance(node, exp.SetOperation) and node.args.get("by_name"):
            yield "union by name; name the columns in one order"
        if isinstance(node, exp.Anonymous) and node.name.lower() not in _SHARED_FUNCTIONS:
            yield f"{node.name}(), which Spark doesn't have under this name"
        if isinstance(node, exp.Unnest) and not isinstance(node.parent, exp.Select):
            yield "unnest beside tables; select it"


def _require_shared(tree: exp.Expr) -> None:
    if found := sorted(set(unshared(tree))):
        raise PortabilityError("; ".join(found))


def _parsed(sql: str) -> exp.Expr:
    try:
        return sqlglot.parse_one(sql, read="duckdb")
    except SqlglotError as error:
        raise PortabilityError(str(error).splitlines()[0]) from error


def _written(tree: exp.Expr) -> str:
    try:
        return tree.transform(_as_spark).sql("spark", unsupported_level=sqlglot.ErrorLevel.RAISE)
    except SqlglotError as error:
        raise PortabilityError(str(error).splitlines()[0]) from error


def _as_spark(node: exp.Expr) -> exp.Expr:
    """ENUMs are text in Parquet."""
    if isinstance(node, exp.DataType) and node.this == exp.DataType.Type.USERDEFINED:
        if str(node.args.get("kind")) in _TYPES:
            return exp.DataType.build("text")
        raise PortabilityError(f"the type {node.args.get('kind')}")
    if isinstance(node, exp.Anonymous) and node.name.lower() == "epoch_us":
        # Spark counts from instants alone; sessions are in UTC.
        return exp.Anonymous(this="unix_micros", expressions=[exp.cast(node.expressions[0], "timestamptz")])
    return node


def _expand_all(order: exp.Order, tree: exp.Query) -> None:
    """`order by all` as the columns that it stands for: Spark's own would sort words by their letters."""
    if [one.this.name.upper() for one in order.expressions if isinstance(one.this, exp.Var)] == ["ALL"]:
        order.set(
            "expressions", [exp.Ordered(this=exp.column(name), nulls_first=False) for name in tree.named_selects]
        )


def _sort_as_enum(ordered: exp.Expr, words: Mapping[str, Sequence[str]]) -> None:
    column = ordered.this
    kind = ENUMS.get(column.name, "") if isinstance(column, exp.Column) else ""
    if kind in words:
        known = exp.array(*(exp.Literal.string(word) for word in words[kind]))
        ordered.set("this", exp.Anonymous(this="array_position", expressions=[known, column.copy()]))


def _name_of(column: exp.Expr) -> str:
    if not isinstance(column, exp.Column):
        raise PortabilityError(f"rows sorted by more than a column: {column.sql('duckdb')}")
    return column.name
