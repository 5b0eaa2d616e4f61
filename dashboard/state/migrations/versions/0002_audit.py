"""The record of what was done, which the database itself keeps from being changed."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_SQLITE = """
create trigger audit_no_{change} before {change} on audit
begin select raise(abort, 'the audit record is append-only'); end
"""
_POSTGRESQL = (
    """
    create function audit_refuse() returns trigger language plpgsql as $$
    begin raise exception 'the audit record is append-only'; end $$
    """,
    "create trigger audit_append_only before update or delete or truncate on audit execute function audit_refuse()",
)


def upgrade() -> None:
    """Make the record, its head, and what refuses changes."""
    op.create_table(
        "audit",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("seal", sa.String(64), nullable=False),
        sa.Index("audit_by_actor", "actor", "number"),
        sa.Index("audit_by_kind", "kind", "number"),
        sa.Index("audit_by_time", "at"),
    )
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("entries", sa.BigInteger, nullable=False),
        sa.Column("seal", sa.String(64), nullable=False),
        sa.Column("signature", sa.String(64), nullable=False),
    )
    if op.get_bind().dialect.name == "sqlite":
        statements = tuple(_SQLITE.format(change=change) for change in ("update", "delete"))
    else:
        statements = _POSTGRESQL
    for statement in statements:
        op.execute(statement)
