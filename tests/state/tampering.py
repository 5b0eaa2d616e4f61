"""What somebody does to the store who may do everything with the database and hasn't the audit record's key."""

from __future__ import annotations

from sqlalchemy import Executable, text

from dashboard.state.store import Store
from dashboard.state.tables import metadata


def change_behind(store: Store, *statements: Executable) -> None:
    """Carry out statements that tables refuse which are only added to."""
    with store.database.write() as connection:
        for table in metadata.tables.values():
            if not table.info.get("append_only"):
                continue
            if connection.dialect.name == "sqlite":
                for change in ("update", "delete"):
                    connection.execute(text(f"drop trigger if exists {table.name}_no_{change}"))
            else:
                connection.execute(text(f"alter table {table.name} disable trigger all"))
        for statement in statements:
            connection.execute(statement)
