-- Patients by the lines that they used in the period: ketamine only, drips only, both.
-- Of one line or of all; of some, both_of_lines.sql tells the same from the bookings.
-- grain: site, band in $by (null: all asked for) × use; the band at the latest visit
-- parameters: start, end, sites, lines (others don't count), bands, by
-- serves: service_mix age_groups
with last_visits as (
    select
        case when list_contains($by, 'site') then site end as site,
        case when list_contains($by, 'band') then band end as band,
        sum(if(counted = 1 and if(len($lines) = 1, line is not null, of_all), visits, 0)) as patients,
        sum(if(counted = 1 and line = 'ketamine', visits, 0)) as ketamine,
        -- A drip's next drip may be of the other line: of patients with several lines that is counted apart.
        sum(if(
            counted = 64 and len($lines) > 1
            or counted = 1 and line <> 'ketamine' and if(len($lines) = 1, true, of_all),
            visits,
            0
        )) as drip
    from daily_patients
    where starts_on between $start and $end
        and (next_on is null or next_on > $end)
        and counted in (1, 64)
        and list_contains($sites::site[], site)
        and (line is null or list_contains($lines::line[], line))
        and list_contains($bands::band[], band)
    group by all
),
apart as (
    select
        case when list_contains($by, 'site') then site end as site,
        patient,
        case when list_contains($by, 'band') then arg_max(band, last_at) end as band,
        bool_or(line = 'ketamine') as ketamine,
        bool_or(line <> 'ketamine') as drip
    from patients_apart
    where starts_on between $start and $end
        and list_contains($sites::site[], site)
        and list_contains($lines::line[], line)
        and list_contains($bands::band[], band)
    group by all
),
used as (
    select site, band, 'ketamine' as used, patients - drip as patients from last_visits
    union all
    select site, band, 'drip', patients - ketamine from last_visits
    union all
    select site, band, 'both', ketamine + drip - patients from last_visits
    union all
    select site, band, case when ketamine and drip then 'both' when ketamine then 'ketamine' else 'drip' end, 1
    from apart
)
select site, band, used, sum(patients)::bigint as patients
from used
where patients > 0
group by all
order by all
