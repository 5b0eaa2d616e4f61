"""What can be taken as a file: every panel's table, the datasets of rows, and all tables of a page."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.metrics import METRICS
from dashboard.navigation import ENTRIES
from dashboard.panels import PANELS, Column

#: Which date a period is of, by the word in the address.
DATES = {"service": "service date", "payment": "payment date"}


@dataclass(frozen=True)
class Dataset:
    """A file that a role may take: a panel's table, the rows of a query, or every table of a page.

    Attributes:
        name: key in addresses, files and tests.
        title: as staff read it.
        resource: what a viewer must be allowed to see (`access.RESOURCES`).
        columns: all that it can hold, in the usual order; none where it holds several tables, each in its own.
        query: whose rows it holds; None for a panel's table.
        dates: which dates its period can be of; the first unless another is asked for.
        by: which of the filters beside the period its query binds.
        totals: its columns whose sums are control totals.
    """

    name: str
    title: str
    resource: str
    columns: tuple[Column, ...]
    query: str | None = None
    dates: tuple[str, ...] = ("service",)
    by: tuple[str, ...] = ("sites", "lines", "bands")
    totals: tuple[str, ...] = ()

    @property
    def of_day(self) -> bool:
        """Whether it is of one day, and the days around it, instead of a period."""
        return self.resource == "today"

    @property
    def by_method(self) -> bool:
        """Whether it can be restricted to payment methods."""
        return "methods" in self.by

    @property
    def label(self) -> str:
        """The title with the page it stands on."""
        if self.query:
            return f"Rows: {self.title}"
        if not self.columns:
            return self.title
        page = next((entry.title for entry in ENTRIES if entry.name == self.resource), "Rows")
        return f"{page}: {self.title}"


def _columns(text: str) -> tuple[Column, ...]:
    return tuple(
        Column(key, heading.replace("_", " "), form)  # type: ignore[arg-type]
        for key, heading, form in (part.split(":") for part in text.split())
    )


_PATIENT = "patient:Patient:text"
_ROWS = (
    Dataset(
        "booking_rows",
        "Bookings, one row each",
        "booking_rows",
        _columns(
            f"booking_id:Booking:text {_PATIENT} site:Site:text service:Service:text line:Line:text "
            "status:Status:text starts_at:Start:datetime ends_at:End:datetime booked_on:Booked:date "
            "lead_days:Lead_days:count age:Age:count band:Age_band:text sex:Sex:text indication:Indication:text "
            "provider:Provider:text supervision:Supervision:text "
            "mental_health_provider:Mental_health_provider:text channel:Channel:text "
            "chair_minutes:Chair_minutes:count price:Price_USD:dollars assessed:Form_filled_in:text "
            "dose_mg:Dose_mg:decimal is_new:New_patient:text"
        ),
        "rows_bookings",
        totals=("price", "chair_minutes"),
    ),
    Dataset(
        "side_effect_rows",
        "Side effects, one row each",
        "side_effect_rows",
        _columns(
            f"event_id:Event:text booking_id:Booking:text {_PATIENT} site:Site:text service:Service:text "
            "line:Line:text band:Age_band:text starts_on:Visit:date effect:Side_effect:text "
            "severity:Severity:text serious:Serious:text related:Related:text onset_at:Onset:datetime "
            "resolved_at:Resolved:datetime onset_minutes:Onset_minutes:count "
            "duration_minutes:Duration_minutes:count outcome:Outcome:text transfer:Emergency_transfer:text "
            "action:Action:text"
        ),
        "rows_side_effects",
    ),
    Dataset(
        "payment_rows",
        "Payments, one row each",
        "payment_rows",
        _columns(
            f"payment_id:Payment:text {_PATIENT} booking_id:Booking:text site:Site:text line:Line:text "
            "paid_at:Paid_at:datetime starts_on:Service_date:date kind:Kind:text method:Method:text "
            "amount:Amount_USD:dollars net:Net_USD:dollars"
        ),
        "rows_payments",
        dates=("payment", "service"),
        by=("sites", "lines", "every_line", "methods"),
        totals=("amount", "net"),
    ),
    Dataset(
        "invoice_rows",
        "Invoices and what was paid on them",
        "payment_rows",
        _columns(
            f"booking_id:Booking:text {_PATIENT} site:Site:text service:Service:text line:Line:text "
            "starts_on:Service_date:date list_price:List_price_USD:dollars discount:Discount_USD:dollars "
            "invoiced:Invoiced_USD:dollars paid:Paid_USD:dollars redeemed:Package_redeemed_USD:dollars "
            "refunded:Refunded_USD:dollars outstanding:Outstanding_USD:dollars last_paid_on:Last_paid:date"
        ),
        "rows_invoices",
        by=("sites", "lines"),
        totals=("invoiced", "paid", "redeemed", "refunded", "outstanding"),
    ),
    Dataset(
        "visits_by_day",
        "Visits by day",
        "bookings",
        _columns(
            "starts_on:Service_date:date site:Site:text line:Line:text service:Service:text "
            "bookings:Bookings:count completed:Completed:count arrived:Arrived:count booked:Booked:count "
            "no_show:No-shows:count cancelled:Cancelled:count late_cancelled:Cancelled_late:count "
            "chair_minutes:Chair_minutes_used:count invoiced:Invoiced_USD:dollars"
        ),
        "visits_by_day",
        totals=("bookings", "completed", "no_show", "cancelled", "late_cancelled", "chair_minutes", "invoiced"),
    ),
    Dataset(
        "package_liability",
        "Package liability by month",
        "revenue",
        _columns(
            "month:Month:date site:Site:text opening:Opening_USD:dollars sold:Sold_USD:dollars "
            "redeemed:Redeemed_USD:dollars refunded:Refunded_USD:dollars expired:Expired_USD:dollars "
            "closing:Closing_USD:dollars"
        ),
        "package_liability",
        dates=("payment",),
        by=("sites",),
        totals=("sold", "redeemed", "refunded", "expired"),
    ),
)


def _adds_up(column: Column) -> bool:
    """Whether a sum over rows means something: of dollars, not of dollars a visit."""
    return column.name not in METRICS or not METRICS[column.name].denominator


DATASETS: dict[str, Dataset] = {
    **{
        panel.name: Dataset(
            panel.name,
            panel.title,
            panel.resource,
            panel.columns,
            totals=tuple(column.name for column in panel.columns if column.format == "dollars" and _adds_up(column)),
        )
        for panel in PANELS.values()
    },
    **{dataset.name: dataset for dataset in _ROWS},
}
