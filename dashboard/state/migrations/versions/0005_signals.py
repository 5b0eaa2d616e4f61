"""The signal register, which the database itself keeps from being changed."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_TABLES = ("signals", "signal_steps")
_SQLITE = """
create trigger {table}_no_{change} before {change} on {table}
begin select raise(abort, 'the signal register is append-only'); end
"""
_FUNCTION = """
create function register_refuse() returns trigger language plpgsql as $$
begin raise exception 'the signal register is append-only'; end $$
"""
_TRIGGER = """
create trigger {table}_append_only before update or delete or truncate on {table} execute function register_refuse()
"""


def upgrade() -> None:
    """Make the register, and what refuses changes."""
    op.create_table(
        "signals",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("site", sa.String(64), nullable=False),
        sa.Column("series", sa.String(400), nullable=False, index=True),
        sa.Column("what", sa.String(400), nullable=False),
        sa.Column("frozen", sa.Text, nullable=False),
        sa.Column("frozen_sha256", sa.String(64), nullable=False),
    )
    op.create_table(
        "signal_steps",
        sa.Column("signal", sa.Integer, sa.ForeignKey("signals.number"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("person", sa.String(80), nullable=False),
        sa.Column("person_name", sa.String(100), nullable=False),
        sa.Column("step", sa.String(16), nullable=False),
        sa.Column("outcome", sa.String(16)),
        sa.Column("rationale", sa.Text, nullable=False),
        sa.Column("due_on", sa.Date),
    )
    if op.get_bind().dialect.name == "sqlite":
        for table in _TABLES:
            for change in ("update", "delete"):
                op.execute(_SQLITE.format(table=table, change=change))
        return
    op.execute(_FUNCTION)
    for table in _TABLES:
        op.execute(_TRIGGER.format(table=table))
