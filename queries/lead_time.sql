-- Days from booking to start, of bookings with a known booking date.
-- grain: one row for each site (null: all asked for) and lead time in days
-- parameters: start, end, sites, lines, bands, by
-- serves: bookings today
select
    case when list_contains($by, 'site') then site end as site,
    lead_days,
    count(*)::bigint as bookings
from bookings
where starts_on between $start and $end
    and lead_days >= 0
    and site = any($sites::site[])
    and line = any($lines::line[])
    and band = any($bands::band[])
group by all
order by all
