-- Visits that did not take place, at the list price of their service: what the chair could have earned.
-- grain: site × line × status (no_show, late_cancelled, cancelled)
-- parameters: start, end, sites, lines
-- serves: revenue
with missed as (
    unpivot (
        select
            site,
            line,
            sum(no_show) as no_show,
            sum(late_cancelled) as late_cancelled,
            sum(cancelled) as cancelled,
            sum(no_show_cents) as no_show_cents,
            sum(late_cancelled_cents) as late_cancelled_cents,
            sum(cancelled_cents) as cancelled_cents
        from daily
        where starts_on between $start and $end
            and list_contains($sites::site[], site)
            and list_contains($lines::line[], line)
        group by all
    ) on
        (no_show, no_show_cents) as no_show,
        (late_cancelled, late_cancelled_cents) as late_cancelled,
        (cancelled, cancelled_cents) as cancelled
    into name status value missed, cents
)
select site, line, status::status as status, missed::bigint as missed, cents::bigint as cents
from missed
where missed > 0
order by site, line, status
