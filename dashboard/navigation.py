"""The one ordered list of pages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dashboard import access
from dashboard.settings import PAGES


@dataclass(frozen=True)
class PageEntry:
    """A page: its script in pages/, its title and icon, and the resource that opens it."""

    name: str
    title: str
    icon: str
    help: str

    @property
    def script(self) -> Path:
        """The page's script."""
        return PAGES / f"{self.name}.py"


ENTRIES = (
    PageEntry("today", "Today", ":material/today:", "The day at each site: is anything out of the ordinary?"),
    PageEntry("worklists", "Worklists", ":material/checklist:", "Whom to call and what is due, most urgent first."),
    PageEntry("bookings", "Bookings", ":material/event:", "Bookings, no-shows, cancellations, chairs, lead time."),
    PageEntry("service_mix", "Service mix", ":material/donut_small:", "Ketamine against vitamin and hydration."),
    PageEntry("safety", "Safety", ":material/health_and_safety:", "Side effects per 100 infusions and per patient."),
    PageEntry("events", "Events", ":material/list_alt:", "Which side effects, whose, how soon; who came back."),
    PageEntry("signals", "Signals", ":material/notifications_active:", "What rose above its own past, since when."),
    PageEntry("register", "Signal register", ":material/gavel:", "Signals: who decided what, and why."),
    PageEntry("courses", "Courses", ":material/timeline:", "Ketamine: inductions finished, who stays, gaps."),
    PageEntry("age_groups", "Age groups", ":material/groups:", "Adolescent to geriatric, by site."),
    PageEntry("revenue", "Revenue", ":material/payments:", "Invoiced against paid, and what lies between."),
    PageEntry("exports", "Exports", ":material/download:", "Files for your role, with their receipts."),
    PageEntry("data", "Data", ":material/database:", "What the extract holds and what was left out."),
    PageEntry("alerts", "Alerts", ":material/notifications:", "What you are told by e-mail, without looking."),
    PageEntry("audit", "Audit", ":material/policy:", "Who signed in, saw, took or changed what."),
    PageEntry("account", "Account", ":material/person:", "Who you are here; change your password."),
)  # fmt: skip


def entries_for(viewer: access.Viewer) -> list[PageEntry]:
    """The pages that the viewer may open, in order."""
    return [entry for entry in ENTRIES if access.allows(viewer, entry.name)]
