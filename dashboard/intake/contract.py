"""What a delivery holds: tables, columns, types and allowed values, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["identifier", "text", "word", "reference", "timestamp", "date", "whole number", "amount"]

SCHEMA_VERSION = 10
# Of the definitions in dashboard/metrics.py. It stands here because an import needs it, and metrics load
# pandas and SciPy, which take longer to load than a small delivery to import.
DEFINITIONS_VERSION = "2 (2026-11-30)"
OLDEST_AGE = 120
LONGEST_TEXT = 80
SHOWN_CHARACTERS = 40

STATUSES = ("booked", "arrived", "completed", "cancelled", "late_cancelled", "no_show")
SEVERITIES = ("mild", "moderate", "severe", "life_threatening", "fatal", "unknown")
SUPERVISIONS = ("anesthesiologist", "physician", "other", "none", "not_recorded")
ANSWERS = ("yes", "no", "not_recorded")
PAYMENT_KINDS = ("payment", "refund", "package_sale", "package_redemption", "package_expiry")
INSTRUMENTS = ("PHQ-9", "GAD-7")


class DeliveryError(RuntimeError):
    """The delivery is refused as a whole; the message says what, where and what to do next."""


class StorageError(DeliveryError):
    """What failed is the machine, a full disk or a folder that can't be written, and not the delivery."""


class UnforeseenError(DeliveryError):
    """Nothing could be made of the delivery for an error that nobody foresaw."""


def other_schema(version: int | None) -> str:
    """What an extract of this schema version has that keeps it from being read, and what to do; empty if nothing.

    >>> other_schema(SCHEMA_VERSION)
    ''
    """
    if version == SCHEMA_VERSION:
        return ""
    later = version is not None and version > SCHEMA_VERSION
    return f"has schema version {version}, this program reads {SCHEMA_VERSION}; " + (
        "a later version of the program built it: use that, or put an earlier one in use (dashboard extracts list)"
        if later
        else "import the delivery again"
    )


@dataclass(frozen=True)
class Column:
    """A column of the contract.

    Attributes:
        name: as the header of the file has it.
        kind: what its values are.
        required: whether the column must stand in the header and hold a value in every row.
        allowed: the words that it may hold; empty where any value of the kind will do.
        personal: whether its values say who a patient is; they are never shown or stored.
        meaning: one sentence for people who deliver data.
    """

    name: str
    kind: Kind
    meaning: str
    required: bool = False
    allowed: tuple[str, ...] = ()
    personal: bool = False


@dataclass(frozen=True)
class Table:
    """A table of the contract, delivered as NAME.csv or NAME-*.csv, each also with .gz."""

    name: str
    required: bool
    columns: tuple[Column, ...]

    @property
    def required_columns(self) -> tuple[str, ...]:
        """Names of the columns that must stand in every header."""
        return tuple(column.name for column in self.columns if column.required)


BOOKINGS = Table(
    "bookings",
    True,
    (
        Column("booking_id", "identifier", "Identifies the booking; once only.", True),
        Column("patient_id", "identifier", "Identifies the patient.", True, personal=True),
        Column("site", "reference", "A site of sites.csv.", True),
        Column("service", "reference", "A service of services.csv.", True),
        Column("starts_at", "timestamp", "Start of the appointment.", True),
        Column("status", "word", "What became of the booking.", True, STATUSES),
        Column("booked_at", "timestamp", "When the booking was made."),
        Column("ends_at", "timestamp", "End of the appointment."),
        Column("cancelled_at", "timestamp", "When it was cancelled."),
        Column("birth_date", "date", "Becomes the age at the visit.", personal=True),
        Column("age", "whole number", "Age at the visit, where there is no birth date."),
        Column("sex", "text", "As your system has it."),
        Column("indication", "text", "What the patient is treated for; one word or code."),
        Column("provider", "text", "Code of the person in charge; not a name."),
        Column("supervision", "word", "Who supervised the infusion.", allowed=SUPERVISIONS),
        Column(
            "mental_health_provider",
            "word",
            "Whether a mental-health provider of the patient is on record.",
            allowed=ANSWERS,
        ),
        Column("channel", "text", "How the booking came in."),
        Column("chair_minutes", "whole number", "Minutes in the chair."),
        Column("price", "amount", "Price of the visit in dollars."),
        Column(
            "side_effects_assessed",
            "word",
            "Whether the side-effect form was filled in; empty means no.",
            allowed=("yes", "no"),
        ),
        Column("dose_mg", "amount", "Dose in milligrams."),
    ),
)

SIDE_EFFECTS = Table(
    "side_effects",
    True,
    (
        Column("event_id", "identifier", "Identifies the side effect; once only.", True),
        Column("booking_id", "identifier", "The booking at which it occurred.", True),
        Column("effect", "text", "A term of effects.csv, or another term as reported.", True),
        Column("severity", "word", "Grade; empty means unknown.", allowed=SEVERITIES),
        Column("serious", "word", "Empty means the term's default.", allowed=("yes", "no")),
        Column("related", "text", "Whether it came from the treatment, as assessed."),
        Column("onset_at", "timestamp", "When it began."),
        Column("resolved_at", "timestamp", "When it was over."),
        Column(
            "outcome",
            "text",
            "For example resolved or ongoing; emergency transfer is counted apart.",
        ),
        Column("action", "text", "What was done."),
    ),
)

PAYMENTS = Table(
    "payments",
    False,
    (
        Column("payment_id", "identifier", "Identifies the payment; once only.", True),
        Column("patient_id", "identifier", "Identifies the patient.", True, personal=True),
        Column("paid_at", "timestamp", "When it was paid.", True),
        Column("kind", "word", "What the amount is.", True, PAYMENT_KINDS),
        Column("amount", "amount", "Dollars; refunds are negative or positive alike.", True),
        Column("booking_id", "identifier", "The booking that it belongs to, if any."),
        Column("method", "text", "How it was paid; case, blanks, hyphens and underscores make no other method."),
        Column("site", "reference", "A site of sites.csv; else the booking's or patient's site."),
    ),
)

SCORES = Table(
    "scores",
    False,
    (
        Column("score_id", "identifier", "Identifies the score; once only.", True),
        Column("patient_id", "identifier", "Identifies the patient.", True, personal=True),
        Column("instrument", "word", "The questionnaire.", True, INSTRUMENTS),
        Column("taken_at", "timestamp", "When it was filled in.", True),
        Column("score", "whole number", "PHQ-9 from 0 to 27, GAD-7 from 0 to 21.", True),
    ),
)

TABLES = (BOOKINGS, SIDE_EFFECTS, PAYMENTS, SCORES)
