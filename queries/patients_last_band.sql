-- Distinct patients by site and by their age band at their latest visit of the period there, so
-- that the bands of a site add up to its patients.
-- grain: site × band
-- parameters: start, end, sites, lines, bands
-- serves: age_groups
with latest as (
    select site, patient, arg_max(band, starts_at) as band
    from bookings
    where starts_on between $start and $end
        and status in ('arrived', 'completed')
        and site = any($sites::site[])
        and line = any($lines::line[])
        and band = any($bands::band[])
    group by all
)
select site, band, count(*)::bigint as patients
from latest
group by all
order by all
