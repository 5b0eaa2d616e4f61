"""Every number that the dashboard shows or exports, defined once.

A metric is a sum of additive counts, or one sum over another. Tiles, charts, tables and files
all take value, numerator, denominator and interval from `measuring`, and label, unit and
definition from the metric itself. Whoever changes a definition changes DEFINITIONS_VERSION of the
contract, which extracts carry.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dashboard import no_shows

Unit = Literal["count", "percent", "per 100 infusions", "dollars", "days", "points"]
Better = Literal["lower", "higher", "neither"]
Interval = Literal["wilson", "poisson", "mean"]


@dataclass(frozen=True)
class Metric:
    """One number.

    Attributes:
        name: key in frames, files and tests.
        title: as staff read it.
        unit: what the value counts.
        numerator: the additive columns whose sum stands above the line.
        denominator: those below it; empty for a plain count or sum.
        counted: what numerator and denominator are called ("no-shows", "past appointments").
        interval: 95 % interval of the ratio, where it has one.
        better: which direction is good; `neither` for volumes.
        definition: one line that a reader can check.
        source: the query whose columns these are.
        variant: the name of the definition in use, where it is not the headline.
        squares: for the interval of a mean, the additive column of squares of what the numerator sums.
        bounded: with no event the upper limit is the exact one-sided 95 % bound, so that none
            is never read as impossible.
        mixed: it differs by service line and age by its nature, so that a change is judged like for
            like, and as neither good nor bad where that can't be.
    """

    name: str
    title: str
    unit: Unit
    numerator: tuple[str, ...]
    counted: tuple[str, str]
    definition: str
    denominator: tuple[str, ...] = ()
    interval: Interval | None = None
    better: Better = "neither"
    source: Literal["counts", "patients", "effects", "lead_time", "money", "effectiveness", "courses"] = "counts"
    bounded: bool = False
    mixed: bool = False
    squares: str = ""
    variant: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """Every additive column that the metric needs."""
        return self.numerator + self.denominator + ((self.squares,) if self.squares else ())


#: Where none is an answer too, how far it reaches.
_BOUNDED = "95 % Wilson interval, with no event the exact one-sided 95 % upper bound."

_METRICS = (
    Metric(
        "bookings", "Bookings", "count", ("bookings",), ("bookings", ""),
        "Bookings whose local start date is in the period, cancelled ones included.",
    ),
    Metric(
        "completed", "Completed visits", "count", ("completed",), ("completed visits", ""),
        "Bookings with status completed.",
        better="higher",
    ),
    *(
        Metric(
            one.metric, one.title, "percent", ("no_show",), ("no-shows", one.counted), one.definition,
            denominator=(one.column,), interval="wilson", better="lower",
            variant="" if one.name == no_shows.HEADLINE else one.words,
        )
        for one in no_shows.DEFINITIONS.values()
    ),
    Metric(
        "cancellation_rate", "Cancellation rate", "percent", ("cancelled",), ("cancelled", "bookings"),
        "Bookings cancelled 24 hours or more ahead ÷ all bookings of the period; 95 % Wilson interval.",
        denominator=("bookings",), interval="wilson", better="lower",
    ),
    Metric(
        "late_cancellation_rate", "Late-cancellation rate", "percent",
        ("late_cancelled",), ("cancelled late", "bookings"),
        "Bookings cancelled within 24 hours ÷ all bookings of the period; 95 % Wilson interval.",
        denominator=("bookings",), interval="wilson", better="lower",
    ),
    Metric(
        "chair_utilisation", "Chair utilisation", "percent",
        ("used_minutes",), ("chair-minutes used", "chair-minutes open"),
        "Chair-hours of arrived and completed visits ÷ (chairs × open hours).",
        denominator=("capacity_minutes",), better="higher",
    ),
    Metric(
        "scheduled_utilisation", "Scheduled utilisation", "percent",
        ("scheduled_minutes",), ("chair-minutes scheduled", "chair-minutes open"),
        "Chair-hours of all bookings that were not cancelled ÷ (chairs × open hours).",
        denominator=("capacity_minutes",), better="higher",
    ),
    Metric(
        "lead_time", "Lead time", "days", ("median_lead_days",), ("days", ""),
        "Median days from booked date to start date, by date and not by time of day, of bookings "
        "with a booked date.",
        source="lead_time",
    ),
    Metric(
        "new_patients", "New patients", "count", ("new_patients",), ("new patients", ""),
        "Patients whose first-ever arrived or completed visit falls in the period.",
        better="higher",
    ),
    Metric(
        "returning_visits", "Returning visits", "count", ("returning_visits",), ("returning visits", ""),
        "Arrived and completed visits of patients who had been seen before.",
    ),
    Metric(
        "ketamine_share", "Ketamine share", "percent",
        ("ketamine_completed",), ("ketamine visits", "completed visits"),
        "Completed ketamine visits ÷ completed visits; 95 % Wilson interval.",
        denominator=("completed",), interval="wilson",
    ),
    Metric(
        "drip_share", "Vitamin and hydration share", "percent",
        ("drip_completed",), ("vitamin and hydration visits", "completed visits"),
        "Completed vitamin and hydration visits ÷ completed visits; 95 % Wilson interval.",
        denominator=("completed",), interval="wilson",
    ),
    Metric(
        "invoiced", "Invoiced", "dollars", ("invoiced_cents",), ("US dollars", ""),
        "Prices of completed visits by service date, in US dollars; not what was paid.",
    ),
    Metric(
        "paid", "Paid", "dollars", ("paid_cents",), ("US dollars", ""),
        "Payments and packages sold less refunds, by payment date, in US dollars; not what was invoiced.",
        source="money",
    ),
    Metric(
        "discount", "Discounts", "dollars", ("discount_cents",), ("US dollars", ""),
        "List price of the service less the price of the visit, of completed visits with a price, by service date.",
        source="money",
    ),
    Metric(
        "outstanding", "Outstanding", "dollars", ("outstanding_cents",), ("US dollars", ""),
        "Prices of completed visits by service date, less what was paid or redeemed on them up to the extract; a "
        "refund takes its charge back with the money, so that what was refunded isn't owed again.",
        source="money", better="lower",
    ),
    Metric(
        "invoiced_per_visit", "Invoiced per visit", "dollars", ("invoiced_cents",), ("US dollars", "visits"),
        "Prices of completed visits ÷ completed visits with a price, by service date.",
        denominator=("visits",), source="money", better="higher",
    ),
    Metric(
        "invoiced_per_chair_hour", "Invoiced per chair-hour", "dollars", ("invoiced_cents",),
        ("US dollars", "chair-hours"),
        "Prices of completed visits ÷ chair-hours of completed visits with a price, by service date.",
        denominator=("chair_hours",), source="money", better="higher",
    ),
    Metric(
        "patients", "Patients", "count", ("patients",), ("patients", ""),
        "Distinct patients with an arrived or completed visit in the period.",
        source="patients",
    ),
    Metric(
        "ascertainment", "Side-effect forms filled in", "percent",
        ("assessed",), ("forms filled in", "completed infusions"),
        "Completed infusions whose side-effect form is filled in ÷ completed infusions; "
        "95 % Wilson interval. A rise in side effects may only be better recording.",
        denominator=("completed",), interval="wilson", better="higher",
    ),
    Metric(
        "anesthesiologist_coverage", "Supervised by an anesthesiologist", "percent",
        ("by_anesthesiologist",), ("with an anesthesiologist", "ketamine infusions"),
        "Completed ketamine infusions with an anesthesiologist recorded as supervising ÷ completed "
        "ketamine infusions; 95 % Wilson interval.",
        denominator=("ketamine_completed",), interval="wilson", better="higher",
    ),
    Metric(
        "physician_coverage", "Supervised by another physician", "percent",
        ("by_physician",), ("with a physician", "ketamine infusions"),
        "Completed ketamine infusions with a physician other than an anesthesiologist recorded as "
        "supervising ÷ completed ketamine infusions; 95 % Wilson interval.",
        denominator=("ketamine_completed",), interval="wilson",
    ),
    Metric(
        "supervision_not_recorded", "Supervision not recorded", "percent",
        ("by_not_recorded",), ("not recorded", "ketamine infusions"),
        "Completed ketamine infusions without a record of who supervised ÷ completed ketamine "
        "infusions; 95 % Wilson interval.",
        denominator=("ketamine_completed",), interval="wilson", better="lower",
    ),
    Metric(
        "supervision_other", "Supervised by someone else", "percent",
        ("by_other",), ("by someone else", "ketamine infusions"),
        "Completed ketamine infusions with someone recorded as supervising who is no physician ÷ completed ketamine "
        "infusions; 95 % Wilson interval.",
        denominator=("ketamine_completed",), interval="wilson", better="lower",
    ),
    Metric(
        "supervision_none", "Without supervision", "percent",
        ("by_none",), ("without", "ketamine infusions"),
        "Completed ketamine infusions recorded as not supervised ÷ completed ketamine infusions; 95 % Wilson "
        "interval.",
        denominator=("ketamine_completed",), interval="wilson", better="lower",
    ),
    Metric(
        "coordinated_care", "Mental-health provider on record", "percent",
        ("coordinated_patients",), ("with a provider", "ketamine patients"),
        "Ketamine patients with a mental-health provider on record ÷ ketamine patients; "
        "95 % Wilson interval.",
        denominator=("ketamine_patients",), interval="wilson", better="higher", source="patients",
    ),
    Metric(
        "any_effect", "Any side effect", "per 100 infusions",
        ("with_effect",), ("infusions with an effect", "completed infusions"),
        f"Completed infusions with at least one side effect ÷ completed infusions × 100; {_BOUNDED}",
        denominator=("completed",), interval="wilson", better="lower",
        bounded=True, mixed=True,
    ),
    Metric(
        "severe_effect", "Severe or worse", "per 100 infusions",
        ("with_severe",), ("infusions with a severe effect", "completed infusions"),
        "Completed infusions with at least one side effect of grade severe, life-threatening or "
        f"fatal ÷ completed infusions × 100; {_BOUNDED} Severe is not the same as serious.",
        denominator=("completed",), interval="wilson", better="lower",
        bounded=True, mixed=True,
    ),
    Metric(
        "serious_effect", "Serious", "per 100 infusions",
        ("with_serious",), ("infusions with a serious effect", "completed infusions"),
        "Completed infusions with at least one serious side effect (ICH E2A) ÷ completed infusions "
        f"× 100; {_BOUNDED}",
        denominator=("completed",), interval="wilson", better="lower",
        bounded=True, mixed=True,
    ),
    Metric(
        "any_effect_patients", "Patients with any side effect", "percent",
        ("patients_with_effect",), ("patients with an effect", "patients treated"),
        "Patients with at least one side effect after a completed infusion ÷ patients with a "
        f"completed infusion; {_BOUNDED}",
        denominator=("treated_patients",), interval="wilson", better="lower", source="patients",
        bounded=True, mixed=True,
    ),
    Metric(
        "severe_effect_patients", "Patients with a severe or worse side effect", "percent",
        ("patients_with_severe",), ("patients with a severe effect", "patients treated"),
        "Patients with at least one side effect of grade severe, life-threatening or fatal after a completed "
        f"infusion ÷ patients with a completed infusion; {_BOUNDED}",
        denominator=("treated_patients",), interval="wilson", better="lower", source="patients",
        bounded=True, mixed=True,
    ),
    Metric(
        "serious_effect_patients", "Patients with a serious side effect", "percent",
        ("patients_with_serious",), ("patients with a serious effect", "patients treated"),
        "Patients with at least one serious side effect after a completed infusion ÷ patients with "
        f"a completed infusion; {_BOUNDED}",
        denominator=("treated_patients",), interval="wilson", better="lower", source="patients",
        bounded=True, mixed=True,
    ),
    Metric(
        "effect_incidence", "Incidence by infusion", "per 100 infusions",
        ("infusions",), ("infusions with it", "completed infusions"),
        f"Completed infusions with at least one such effect ÷ completed infusions × 100; {_BOUNDED}",
        denominator=("completed",), interval="wilson", better="lower", source="effects",
        bounded=True, mixed=True,
    ),
    Metric(
        "effect_incidence_patients", "Incidence by patient", "percent",
        ("patients",), ("patients with it", "patients treated"),
        f"Patients with at least one such effect ÷ patients with a completed infusion; {_BOUNDED}",
        denominator=("treated_patients",), interval="wilson", better="lower", source="effects",
        bounded=True, mixed=True,
    ),
    Metric(
        "event_rate", "Events per 100 infusions", "per 100 infusions",
        ("events",), ("events", "completed infusions"),
        "All such events of completed infusions ÷ completed infusions × 100; exact Poisson interval "
        "below 10 events, Byar's from 10.",
        denominator=("completed",), interval="poisson", better="lower", source="effects", mixed=True,
    ),
    Metric(
        "transfers", "Emergency transfers", "count", ("transfers",), ("transfers", ""),
        "Side effects whose outcome is an emergency transfer, of all bookings, completed or not.",
        better="lower", source="effects",
    ),
    Metric(
        "events", "Side effects reported", "count", ("all_events",), ("events", ""),
        "Side effects recorded for bookings of the period, whatever became of the booking.",
        source="effects",
    ),
    Metric(
        "scored", "Scored", "percent",
        ("scored",), ("patients scored", "patients due"),
        "Patients with a baseline score (the last of the 14 days up to the first ketamine infusion) and a score at "
        "that time ÷ patients whose time for that score ended in the period; 95 % Wilson interval.",
        denominator=("due",), interval="wilson", better="higher", source="effectiveness",
    ),
    Metric(
        "score_change", "Change of the score", "points",
        ("change_sum",), ("points", "patients scored"),
        "Mean of score less baseline over patients scored, in points of PHQ-9 or GAD-7; 95 % Student's interval. "
        "A fall is good.",
        denominator=("scored",), interval="mean", better="lower", source="effectiveness", squares="change_squares",
    ),
    Metric(
        "response", "Response", "percent",
        ("responded",), ("patients who responded", "patients scored"),
        "Patients whose score is half of the baseline or less ÷ patients scored; 95 % Wilson interval.",
        denominator=("scored",), interval="wilson", better="higher", source="effectiveness",
    ),
    Metric(
        "remission", "Remission", "percent",
        ("in_remission",), ("patients in remission", "patients scored"),
        "Patients with a PHQ-9 below 5 ÷ patients scored; 95 % Wilson interval.",
        denominator=("scored",), interval="wilson", better="higher", source="effectiveness",
    ),
    Metric(
        "worsening", "Worsening", "percent",
        ("worse",), ("patients worse", "patients scored"),
        "Patients whose score is 5 points or more above the baseline ÷ patients scored; 95 % Wilson interval.",
        denominator=("scored",), interval="wilson", better="lower", source="effectiveness",
    ),
    Metric(
        "durability", "Durability", "percent",
        ("lasting",), ("patients still responding", "responders scored"),
        "Patients who still respond on day 14 ÷ patients who had responded within 24 hours and have a score on day "
        "14; 95 % Wilson interval.",
        denominator=("early_scored",), interval="wilson", better="higher", source="effectiveness",
    ),
    Metric(
        "responders_scored", "Responders scored on day 14", "percent",
        ("early_scored",), ("responders scored", "responders"),
        "Patients with a score on day 14 ÷ patients who had responded within 24 hours; 95 % Wilson interval.",
        denominator=("early_responders",), interval="wilson", better="higher", source="effectiveness",
    ),
)  # fmt: skip

_BEGUN = "patients whose first completed ketamine infusion falls in the period"
_COURSES = (
    Metric(
        "courses", "Ketamine courses begun", "count", ("courses",), ("courses", ""),
        "Patients whose first completed ketamine infusion falls in the period.",
        source="courses",
    ),
    Metric(
        "induction_completion", "Induction completed", "percent",
        ("inductions_completed",), ("with six infusions", "patients whose day 28 has passed"),
        f"Patients who reach 6 completed ketamine infusions by day 28 after their first ÷ {_BEGUN} and whose day 28 "
        "has passed; 95 % Wilson interval.",
        denominator=("inductions_due",), interval="wilson", better="higher", source="courses",
    ),
    Metric(
        "inductions_under_way", "Inductions under way", "count",
        ("inductions_under_way",), ("patients within their 28 days", ""),
        "Patients whose first completed ketamine infusion falls in the period and whose day 28 has not passed.",
        source="courses",
    ),
)  # fmt: skip


#: What asks whether a patient comes for the first time. Who came before the extract begins is taken for new at the
#: first visit in it: with so many days from a site's first one on nothing is compared. As long a gap ends a course.
OF_FIRST_VISITS = frozenset({"new_patients", "returning_visits", "courses", "induction_completion"})
SETTLED_DAYS = 60

METRICS: dict[str, Metric] = {metric.name: metric for metric in (*_METRICS, *_COURSES)}
