"""Tables of the state store.

A new table, or a new column, stands here and in a new file in migrations/versions, whose number
is the next one: copy the last file and let it make what is new. The tests compare the two. A table
whose rows a back-up must not bring back says `info={"backup": False}`, one whose rows the database
refuses to change `info={"append_only": True}`.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """A moment with its time zone in Python, kept as UTC in the database."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Drop the zone, which SQLite can't keep, after turning to UTC."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give the zone back."""
        return None if value is None else value.replace(tzinfo=UTC)


metadata = MetaData()

users = Table(
    "users",
    metadata,
    # Kept in lower case, which makes it unique whatever the case it is typed in.
    Column("username", String(64), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("role", String(32), nullable=False),
    Column("sites", JSON(none_as_null=True)),
    Column("password_hash", String(60), nullable=False),
    # Raised by each change that must end the sessions opened before it.
    Column("version", Integer, nullable=False, default=1),
    Column("disabled", Boolean, nullable=False, default=False),
    Column("demo", Boolean, nullable=False, default=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("password_changed_at", UtcDateTime, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_sha256", String(64), primary_key=True),
    Column("username", ForeignKey("users.username"), nullable=False, index=True),
    Column("user_version", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    # A session that was ended since must not come to life again.
    info={"backup": False},
)

# When, from where and with which browser each session was opened; outlives the session.
sign_ins = Table(
    "sign_ins",
    metadata,
    Column("token_sha256", String(64), primary_key=True),
    Column("username", ForeignKey("users.username"), nullable=False, index=True),
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("address", String(64), nullable=False),
    Column("browser", String(64), nullable=False),
)

# Failed attempts to sign in, and until when further ones are refused.
brakes = Table(
    "brakes",
    metadata,
    # "account", "device" or "address": what the subject is.
    Column("kind", String(8), primary_key=True),
    Column("subject", String(64), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("until", UtcDateTime),
)

# Attempts whose password or code is being checked: one row for each subject that they count against.
under_way = Table(
    "under_way",
    metadata,
    Column("ticket_sha256", String(64), primary_key=True),
    Column("kind", String(8), primary_key=True),
    Column("subject", String(64), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("under_way_by_subject", "kind", "subject"),
    info={"backup": False},
)

# Browsers that an account has signed in with before.
devices = Table(
    "devices",
    metadata,
    Column("token_sha256", String(64), primary_key=True),
    Column("username", ForeignKey("users.username"), primary_key=True),
    Column("created_at", UtcDateTime, nullable=False),
)

# Steps of a sign-in that wait for the next: each is taken once.
challenges = Table(
    "challenges",
    metadata,
    Column("token_sha256", String(64), primary_key=True),
    Column("purpose", String(16), nullable=False),
    Column("sealed", Text, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    info={"backup": False},
)

second_factors = Table(
    "second_factors",
    metadata,
    Column("username", ForeignKey("users.username"), primary_key=True),
    Column("sealed_secret", String(255), nullable=False),
    # The latest time step whose code was accepted; none is accepted twice.
    Column("last_step", Integer, nullable=False),
    Column("confirmed_at", UtcDateTime, nullable=False),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("username", ForeignKey("users.username"), primary_key=True),
    Column("code_sha256", String(64), primary_key=True),
)

# One-time links to set a password.
resets = Table(
    "resets",
    metadata,
    Column("token_sha256", String(64), primary_key=True),
    Column("username", ForeignKey("users.username"), nullable=False, index=True),
    Column("user_version", Integer, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    # A link that was used since must not be good again.
    info={"backup": False},
)

# By what the provider of single sign-on knows an account, where it isn't the user name.
identities = Table(
    "identities",
    metadata,
    Column("username", ForeignKey("users.username"), primary_key=True),
    Column("identity", String(254), nullable=False, unique=True),
)

# Choices of a file that a person named, to take it again.
saved_exports = Table(
    "saved_exports",
    metadata,
    Column("username", ForeignKey("users.username"), primary_key=True),
    Column("name", String(80), primary_key=True),
    Column("dataset", String(64), nullable=False),
    # The part of an address behind the question mark.
    Column("query", Text, nullable=False),
    Column("saved_at", UtcDateTime, nullable=False),
)

# Pages with their filters that a person named; at most one of them opens first.
saved_views = Table(
    "saved_views",
    metadata,
    Column("username", ForeignKey("users.username"), primary_key=True),
    Column("name", String(80), primary_key=True),
    Column("page", String(64), nullable=False),
    Column("query", Text, nullable=False),
    Column("first", Boolean, nullable=False, default=False),
    Column("saved_at", UtcDateTime, nullable=False),
)

# Keys by which a program takes a person's files.
export_tokens = Table(
    "export_tokens",
    metadata,
    Column("token_sha256", String(64), primary_key=True),
    Column("username", ForeignKey("users.username"), nullable=False, index=True),
    # That of the account when it was issued: a change of role, sites or password ends the token.
    Column("user_version", Integer, nullable=False),
    Column("label", String(80), nullable=False),
    Column("datasets", JSON, nullable=False),
    Column("sites", JSON(none_as_null=True)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),
    # What was revoked since must not come to life again.
    info={"backup": False},
)

# Alert rules, each person's own, and where each stands.
alert_rules = Table(
    "alert_rules",
    metadata,
    Column("rule", String(16), primary_key=True),
    Column("username", ForeignKey("users.username"), nullable=False, index=True),
    Column("site", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    # A figure of the day, or which data are missed.
    Column("what", String(64), nullable=False),
    Column("side", String(8), nullable=False),
    Column("number", Float),
    # A smaller denominator isn't judged.
    Column("least", Integer, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("snoozed_until", Date),
    Column("created_at", UtcDateTime, nullable=False),
    # Raised by each change of what it is about: what was found before it counts no more.
    Column("version", Integer, nullable=False),
    Column("open_since", Date),
    Column("evaluated_on", Date),
)

# What was found of a rule on a day of data.
alert_evaluations = Table(
    "alert_evaluations",
    metadata,
    Column("rule", ForeignKey("alert_rules.rule"), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("said", Text, nullable=False),
)

# Alerts that opened and recovered. One that is held waits until its rule's snooze ends.
alert_events = Table(
    "alert_events",
    metadata,
    Column("event", String(16), primary_key=True),
    Column("rule", ForeignKey("alert_rules.rule"), nullable=False, index=True),
    Column("change", String(16), nullable=False),
    Column("day", Date, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("said", Text, nullable=False),
    Column("held", Boolean, nullable=False),
)

# By which channels an event is told, and when it was.
alert_tellings = Table(
    "alert_tellings",
    metadata,
    Column("event", ForeignKey("alert_events.event"), primary_key=True),
    Column("channel", String(8), primary_key=True),
    Column("sent_at", UtcDateTime),
)

# Where a person's alerts go: an e-mail address, a webhook.
alert_channels = Table(
    "alert_channels",
    metadata,
    Column("username", ForeignKey("users.username"), primary_key=True),
    Column("channel", String(8), primary_key=True),
    Column("target", String(500), nullable=False),
    # What a webhook's messages are signed with.
    Column("sealed_secret", String(255)),
    # Of the weekly digest, 0 for Monday; none without one.
    Column("weekday", Integer),
    Column("digest_on", Date),
    # Whoever sends has it until then, so that two runs don't send the same.
    Column("claimed_until", UtcDateTime),
    Column("sent_at", UtcDateTime),
    Column("failing_since", UtcDateTime),
    Column("fault", String(300)),
)

# Runs of `dashboard alerts run`, and what came of each.
alert_runs = Table(
    "alert_runs",
    metadata,
    Column("run", String(16), primary_key=True),
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("rules", Integer, nullable=False),
    Column("opened", Integer, nullable=False),
    Column("recovered", Integer, nullable=False),
    Column("sent", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
)

# Months whose figures finance has closed, as they were then.
closed_months = Table(
    "closed_months",
    metadata,
    Column("month", String(7), primary_key=True),
    Column("site", String(64), primary_key=True),
    Column("extract", String(80), nullable=False),
    Column("figures", JSON, nullable=False),
    Column("closed_at", UtcDateTime, nullable=False),
    Column("closed_by", String(80), nullable=False),
)

# What was done, in order and without gaps. The database refuses every change of an entry.
audit = Table(
    "audit",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("actor", String(80), nullable=False),
    Column("subject", String(200), nullable=False),
    # JSON as text, since the seal is of these very characters.
    Column("details", Text, nullable=False),
    # Keyed hash of this entry and of the seal before it.
    Column("seal", String(64), nullable=False),
    Index("audit_by_actor", "actor", "number"),
    Index("audit_by_kind", "kind", "number"),
    Index("audit_by_time", "at"),
    info={"append_only": True},
)

# One row: how many entries there are, and the last one's seal, signed.
audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("entries", BigInteger, nullable=False),
    Column("seal", String(64), nullable=False),
    Column("signature", String(64), nullable=False),
)

# Signals, each with the copy of what was seen when it was opened. Where they stand is in their steps.
signals = Table(
    "signals",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("site", String(64), nullable=False),
    # Which series: site, effect, line, age group and weekday, with bars between.
    Column("series", String(400), nullable=False, index=True),
    Column("what", String(400), nullable=False),
    # JSON as text, since the hash is of these very characters.
    Column("frozen", Text, nullable=False),
    Column("frozen_sha256", String(64), nullable=False),
    info={"append_only": True},
)

signal_steps = Table(
    "signal_steps",
    metadata,
    Column("signal", ForeignKey("signals.number"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("person", String(80), nullable=False),
    Column("person_name", String(100), nullable=False),
    Column("step", String(16), nullable=False),
    Column("outcome", String(16)),
    Column("rationale", Text, nullable=False),
    # By when the next step is to be taken; none once it is closed.
    Column("due_on", Date),
    info={"append_only": True},
)

# Annotations and rebases of control charts. A row that withdraws another names its number.
chart_marks = Table(
    "chart_marks",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("person", String(80), nullable=False),
    Column("person_name", String(100), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("site", String(64), nullable=False),
    # Empty for any side effect, and for all lines.
    Column("effect", String(200), nullable=False),
    Column("line", String(64), nullable=False),
    Column("on_date", Date, nullable=False),
    Column("text", String(300), nullable=False),
    Column("withdraws", Integer),
    info={"append_only": True},
)
