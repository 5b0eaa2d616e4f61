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
    coalesce(sum(bookings) filter (where status = 'arrived'), 0)::bigint as arrived,
    coalesce(sum(bookings) filter (where status = 'booked'), 0)::bigint as booked,
    coalesce(sum(bookings) filter (where status = 'no_show'), 0)::bigint as no_show,
    coalesce(sum(bookings) filter (where status = 'cancelled'), 0)::bigint as cancelled,
    coalesce(sum(bookings) filter (where status = 'late_cancelled'), 0)::bigint as late_cancelled,
    coalesce(sum(chair_minutes) filter (where status in ('arrived', 'completed')), 0)::bigint as chair_minutes,
    (coalesce(sum(price_cents) filter (where status = 'completed'), 0)::decimal(15, 0) * 0.01::decimal(2, 2))::decimal(
        18, 2
    ) as invoiced
from daily
where starts_on between $start and $end
    and site = any($sites::site[])
    and line = any($lines::line[])
    and band = any($bands::band[])
group by all
order by starts_on, site, line, service
