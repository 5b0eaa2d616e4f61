-- Days from booking to start, of bookings with a known booking date; below 0 where it was entered afterwards.
-- grain: site × lead time in days
-- parameters: start, end, sites, lines, bands
-- serves: bookings today
select
    site,
    lead_days,
    count(*)::bigint as bookings
from bookings
where starts_on between $start and $end
    and lead_days is not null
    and list_contains($sites::site[], site)
    and list_contains($lines::line[], line)
    and list_contains($bands::band[], band)
group by all
order by all
