-- Distinct patients, exact, by whichever dimensions $by names. A patient seen at two sites, in two
-- lines or on both sides of a birthday counts in each row, once in a row that spans them.
-- grain: one row for each combination of site, line, band in $by
-- parameters: start, end, sites, lines, bands, by
-- serves: today service_mix safety age_groups bookings
-- hides: patients_with_effect patients_with_severe patients_with_serious
with seen as (
    -- Each patient once a row, which is faster than to count several things as distinct.
    select
        case when list_contains($by, 'site') then site end as site,
        case when list_contains($by, 'line') then line end as line,
        case when list_contains($by, 'band') then band end as band,
        patient,
        bool_or(status = 'completed') as treated,
        bool_or(status = 'completed' and has_effect) as with_effect,
        bool_or(status = 'completed' and has_severe) as with_severe,
        bool_or(status = 'completed' and has_serious) as with_serious,
        bool_or(status = 'completed' and line = 'ketamine') as with_ketamine,
        bool_or(status = 'completed' and line = 'ketamine' and mental_health_provider = 'yes') as coordinated
    from bookings
    where starts_on between $start and $end
        and status in ('arrived', 'completed')
        and site = any($sites::site[])
        and line = any($lines::line[])
        and band = any($bands::band[])
    group by all
)
select
    site,
    line,
    band,
    count(*)::bigint as patients,
    count(*) filter (where treated)::bigint as treated_patients,
    count(*) filter (where with_effect)::bigint as patients_with_effect,
    count(*) filter (where with_severe)::bigint as patients_with_severe,
    count(*) filter (where with_serious)::bigint as patients_with_serious,
    count(*) filter (where with_ketamine)::bigint as ketamine_patients,
    count(*) filter (where coordinated)::bigint as coordinated_patients
from seen
group by all
order by all
