-- Bookings by day, with what became of them.
-- grain: starts_on × site × line × service
-- parameters: start, end, sites, lines, bands
-- serves: bookings
select
    starts_on,
    site,
    line,
    service,
    sum(bookings)::bigint as bookings,
    sum(completed)::bigint as completed,
    sum(arrived)::bigint as arrived,
    sum(booked)::bigint as booked,
    sum(no_show)::bigint as no_show,
    sum(cancelled)::bigint as cancelled,
    sum(late_cancelled)::bigint as late_cancelled,
    sum(used_minutes)::bigint as chair_minutes,
    (sum(invoiced_cents)::decimal(15, 0) * 0.01::decimal(2, 2))::decimal(18, 2) as invoiced
from daily
where starts_on between $start and $end
    and list_contains($sites::site[], site)
    and list_contains($lines::line[], line)
    and list_contains($bands::band[], band)
group by all
order by starts_on, site, line, service
