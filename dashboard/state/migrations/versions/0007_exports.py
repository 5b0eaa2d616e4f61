"""Named exports, tokens for programs, closed months."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the tables of files."""
    op.create_table(
        "saved_exports",
        sa.Column("username", sa.String(64), sa.ForeignKey("users.username"), primary_key=True),
        sa.Column("name", sa.String(80), primary_key=True),
        sa.Column("dataset", sa.String(64), nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("saved_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "export_tokens",
        sa.Column("token_sha256", sa.String(64), primary_key=True),
        sa.Column("username", sa.String(64), sa.ForeignKey("users.username"), nullable=False, index=True),
        sa.Column("user_version", sa.Integer, nullable=False),
        sa.Column("label", sa.String(80), nullable=False),
        sa.Column("datasets", sa.JSON, nullable=False),
        sa.Column("sites", sa.JSON),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("expires_at", sa.DateTime, nullable=False),
        sa.Column("used_at", sa.DateTime),
    )
    op.create_table(
        "closed_months",
        sa.Column("month", sa.String(7), primary_key=True),
        sa.Column("site", sa.String(64), primary_key=True),
        sa.Column("extract", sa.String(80), nullable=False),
        sa.Column("figures", sa.JSON, nullable=False),
        sa.Column("closed_at", sa.DateTime, nullable=False),
        sa.Column("closed_by", sa.String(80), nullable=False),
    )
