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
        and list_contains($sites::site[], site)
        and list_contains($lines::line[], line)
        and list_contains($bands::band[], band)
    group by all
)
select site, band, count(*)::bigint as patients
from latest
group by all
order by all
