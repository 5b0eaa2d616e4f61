"""Alerts: rules, what was found, what is told and where to."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the tables of alerts."""
    op.create_table(
        "alert_rules",
        sa.Column("rule", sa.String(16), primary_key=True),
        sa.Column("username", sa.String(64), sa.ForeignKey("users.username"), nullable=False),
        sa.Column("site", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("what", sa.String(64), nullable=False),
        sa.Column("side", sa.String(8), nullable=False),
        sa.Column("number", sa.Float),
        sa.Column("least", sa.Integer, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("snoozed_until", sa.Date),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("open_since", sa.Date),
        sa.Column("evaluated_on", sa.Date),
    )
    op.create_index("ix_alert_rules_username", "alert_rules", ["username"])
    op.create_table(
        "alert_evaluations",
        sa.Column("rule", sa.String(16), sa.ForeignKey("alert_rules.rule"), primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("said", sa.Text, nullable=False),
    )
    op.create_table(
        "alert_events",
        sa.Column("event", sa.String(16), primary_key=True),
        sa.Column("rule", sa.String(16), sa.ForeignKey("alert_rules.rule"), nullable=False),
        sa.Column("change", sa.String(16), nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("held", sa.Boolean, nullable=False),
    )
    op.create_index("ix_alert_events_rule", "alert_events", ["rule"])
    op.create_table(
        "alert_tellings",
        sa.Column("event", sa.String(16), sa.ForeignKey("alert_events.event"), primary_key=True),
        sa.Column("channel", sa.String(8), primary_key=True),
        sa.Column("sent_at", sa.DateTime),
    )
    op.create_table(
        "alert_channels",
        sa.Column("username", sa.String(64), sa.ForeignKey("users.username"), primary_key=True),
        sa.Column("channel", sa.String(8), primary_key=True),
        sa.Column("target", sa.String(500), nullable=False),
        sa.Column("sealed_secret", sa.String(255)),
        sa.Column("weekday", sa.Integer),
        sa.Column("digest_on", sa.Date),
        sa.Column("claimed_until", sa.DateTime),
        sa.Column("sent_at", sa.DateTime),
        sa.Column("failing_since", sa.DateTime),
        sa.Column("fault", sa.String(300)),
    )
    op.create_table(
        "alert_runs",
        sa.Column("run", sa.String(16), primary_key=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("rules", sa.Integer, nullable=False),
        sa.Column("opened", sa.Integer, nullable=False),
        sa.Column("recovered", sa.Integer, nullable=False),
        sa.Column("sent", sa.Integer, nullable=False),
        sa.Column("failed", sa.Integer, nullable=False),
    )
    op.create_index("ix_alert_runs_at", "alert_runs", ["at"])
