"""Versions of the state store's tables: which one a store has, and the way up to this one.

A version is a file in migrations/versions, named by its number; Alembic runs those that a store
has not had yet, in order.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from sqlalchemy import Connection, inspect, text

MIGRATIONS = Path(__file__).parent / "migrations"
#: Made by this product before its stores had versions.
FIRST = "0001"


class UnknownVersionError(Exception):
    """The store was made by a later version of the product; the message completes a sentence."""


@cache
def versions() -> tuple[str, ...]:
    """Every version that this product knows, oldest first."""
    return tuple(sorted(file.name.partition("_")[0] for file in MIGRATIONS.glob("versions/[0-9]*.py")))


def version(connection: Connection) -> str | None:
    """The version of a store, or None where it has no tables yet.

    Raises:
        UnknownVersionError: it is later than this product.
    """
    inspector = inspect(connection)
    if inspector.has_table("alembic_version"):
        found = connection.scalar(text("select version_num from alembic_version"))
        if found is not None and found not in versions():
            raise UnknownVersionError(
                f"was made by a later version of the dashboard ({found}; this one knows {versions()[-1]} and "
                "before). Nothing was changed; use that version."
            )
        if found is not None:
            return str(found)
    return FIRST if inspector.has_table("users") else None


def is_current(connection: Connection) -> bool:
    """Whether nothing is left to do. Raises UnknownVersionError."""
    return version(connection) == versions()[-1]


def upgrade(connection: Connection) -> None:
    """Bring the store to this version, within the connection's transaction.

    Raises:
        UnknownVersionError: the store is later than this product.
    """
    # Imported here: it takes half a second, and stores are rarely behind.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    before = version(connection)
    if before == FIRST and not inspect(connection).has_table("alembic_version"):
        command.stamp(config, FIRST)
    if before != versions()[-1]:
        command.upgrade(config, "head")
