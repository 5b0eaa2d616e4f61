"""Attempts to sign in that are under way, counted apart from those that failed."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table of attempts under way."""
    op.create_table(
        "under_way",
        sa.Column("ticket_sha256", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(8), primary_key=True),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Index("under_way_by_subject", "kind", "subject"),
    )
