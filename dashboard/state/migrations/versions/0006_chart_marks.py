"""Annotations and rebases of control charts, which the database itself keeps from being changed."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_SQLITE = """
create trigger chart_marks_no_{change} before {change} on chart_marks
begin select raise(abort, 'chart marks are append-only'); end
"""
_FUNCTION = """
create function chart_marks_refuse() returns trigger language plpgsql as $$
begin raise exception 'chart marks are append-only'; end $$
"""
_TRIGGER = """
create trigger chart_marks_append_only before update or delete or truncate on chart_marks
execute function chart_marks_refuse()
"""


def upgrade() -> None:
    """Make the table, and what refuses changes."""
    op.create_table(
        "chart_marks",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("person", sa.String(80), nullable=False),
        sa.Column("person_name", sa.String(100), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("site", sa.String(64), nullable=False),
        sa.Column("effect", sa.String(200), nullable=False),
        sa.Column("line", sa.String(64), nullable=False),
        sa.Column("on_date", sa.Date, nullable=False),
        sa.Column("text", sa.String(300), nullable=False),
        sa.Column("withdraws", sa.Integer),
    )
    if op.get_bind().dialect.name == "sqlite":
        for change in ("update", "delete"):
            op.execute(_SQLITE.format(change=change))
        return
    op.execute(_FUNCTION)
    op.execute(_TRIGGER)
