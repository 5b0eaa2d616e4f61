"""The named definitions of the no-show rate. There is no single standard, so a reader chooses among them.

The first is the headline, in use unless another is asked for. All have the same no-shows above the line.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

#: The metric of the headline, and what panels and addresses call the rate whichever definition is in use.
RATE = "no_show_rate"


@dataclass(frozen=True)
class NoShowRate:
    """One definition.

    Attributes:
        name: key in addresses, commands and files.
        metric: name of its metric.
        words: what it is called wherever a rate is shown.
        column: the additive column below the line.
        counted: what that column counts.
        definition: one line that a reader can check.
    """

    name: str
    metric: str
    words: str
    column: str
    counted: str
    definition: str

    @property
    def title(self) -> str:
        """What its metric is called: with its name, but for the headline."""
        return "No-show rate" if self.name == HEADLINE else f"No-show rate, {self.words}"

    @property
    def told(self) -> str:
        """Its name as it goes on files and beside choices."""
        return f"{self.words} (headline)" if self.name == HEADLINE else self.words


HEADLINE = "headline"
DEFINITIONS: dict[str, NoShowRate] = {
    one.name: one
    for one in (
        NoShowRate(
            HEADLINE, RATE, "÷ past appointments", "expected", "past appointments",
            "Headline, ÷ past appointments: no-shows ÷ (arrived + completed + no-shows), past appointments only; 95 "
            "% Wilson interval.",
        ),
        NoShowRate(
            "scheduled", "no_show_rate_scheduled", "÷ scheduled", "scheduled", "scheduled bookings",
            "No-shows ÷ bookings that were not cancelled 24 hours or more ahead: arrived, completed, no-shows, and "
            "on days that are over also cancelled late and still booked; 95 % Wilson interval.",
        ),
        NoShowRate(
            "slots", "no_show_rate_slots", "÷ slots", "slots", "slots",
            "No-shows ÷ slots: as many of the shortest usual visits as the chairs hold in the opening hours of days "
            "that are over, or the past appointments of the day where those are more; 95 % Wilson interval. Chairs "
            "serve every line and age, so a choice of them shows their no-shows ÷ all slots.",
        ),
    )
}  # fmt: skip
_METRICS = {one.metric: one for one in DEFINITIONS.values()}


def in_use(metric: str, chosen: str) -> str:
    """A metric's name, the no-show rate's being that of the chosen definition.

    >>> in_use("no_show_rate", "slots"), in_use("bookings", "slots")
    ('no_show_rate_slots', 'bookings')
    """
    return DEFINITIONS[chosen].metric if metric == RATE else metric


def all_in_use(metrics: Iterable[str], chosen: str) -> tuple[str, ...]:
    """`in_use` of several."""
    return tuple(in_use(metric, chosen) for metric in metrics)


def plain(metric: str) -> str:
    """The name without a definition, as it stands in addresses: the other way round.

    >>> plain("no_show_rate_slots"), plain("bookings")
    ('no_show_rate', 'bookings')
    """
    return RATE if metric in _METRICS else metric
