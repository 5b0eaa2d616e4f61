-- Visits that did not take place, at the list price of their service: what the chair could have earned.
-- grain: site × line × status (no_show, late_cancelled, cancelled)
-- parameters: start, end, sites, lines
-- serves: revenue
select
    site,
    bookings.line,
    status,
    count(*)::bigint as missed,
    coalesce(sum(coalesce(price_cents, list_price_cents)), 0)::bigint as cents
from bookings
left join services on services.service = bookings.service
where status in ('no_show', 'late_cancelled', 'cancelled')
    and starts_on between $start and $end
    and site = any($sites::site[])
    and bookings.line = any($lines::line[])
group by all
order by all
