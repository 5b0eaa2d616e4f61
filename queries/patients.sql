-- Distinct patients, exact, by whichever dimensions $by names. A patient seen at two sites, in two
-- lines or on both sides of a birthday counts in each row, once in a row that spans them.
-- grain: one row for each combination of site, line, band in $by
-- parameters: start, end, sites, lines, bands, by
-- serves: today service_mix safety age_groups bookings
-- hides: patients_with_effect patients_with_severe patients_with_serious
select
    case when list_contains($by, 'site') then site end as site,
    case when list_contains($by, 'line') then line end as line,
    case when list_contains($by, 'band') then band end as band,
    count(distinct patient)::bigint as patients,
    count(distinct patient) filter (where status = 'completed')::bigint as treated_patients,
    count(distinct patient) filter (where status = 'completed' and has_effect)::bigint as patients_with_effect,
    count(distinct patient) filter (where status = 'completed' and has_severe)::bigint as patients_with_severe,
    count(distinct patient) filter (where status = 'completed' and has_serious)::bigint as patients_with_serious,
    count(distinct patient) filter (where status = 'completed' and line = 'ketamine')::bigint as ketamine_patients,
    count(distinct patient) filter (
        where status = 'completed' and line = 'ketamine' and mental_health_provider = 'yes'
    )::bigint as coordinated_patients
from bookings
where starts_on between $start and $end
    and status in ('arrived', 'completed')
    and site = any($sites::site[])
    and line = any($lines::line[])
    and band = any($bands::band[])
group by all
order by all
