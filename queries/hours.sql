-- Bookings by weekday and local start hour.
-- grain: one row for each combination of site, weekday, status in $by, and hour
-- parameters: start, end, sites, lines, bands, by
-- serves: bookings
select
    case when list_contains($by, 'site') then site end as site,
    case when list_contains($by, 'weekday') then isodow(starts_on) end as weekday,
    case when list_contains($by, 'status') then status end as status,
    hour,
    sum(bookings)::bigint as bookings
from hourly
where starts_on between $start and $end
    and list_contains($sites::site[], site)
    and list_contains($lines::line[], line)
    and list_contains($bands::band[], band)
group by all
order by all
