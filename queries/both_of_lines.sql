-- As both_lines.sql, of any choice of service lines: counted in the bookings.
-- Patients by the lines that they used in the period: ketamine only, drips only, both.
-- grain: site, band in $by (null: all asked for) × use; the band at the latest visit
-- parameters: start, end, sites, lines (others don't count), bands, by
-- serves: service_mix age_groups
with used as (
    select
        case when list_contains($by, 'site') then site end as site,
        patient,
        case when list_contains($by, 'band') then arg_max(band, starts_at) end as band,
        bool_or(line = 'ketamine') as ketamine,
        bool_or(line <> 'ketamine') as drip
    from bookings
    where starts_on between $start and $end
        and status in ('arrived', 'completed')
        and list_contains($sites::site[], site)
        and list_contains($lines::line[], line)
        and list_contains($bands::band[], band)
    group by all
)
select
    site,
    band,
    case when ketamine and drip then 'both' when ketamine then 'ketamine' else 'drip' end as used,
    count(*)::bigint as patients
from used
group by all
order by all
