-- Distinct patients with a side effect after a completed infusion, by whichever dimensions $by names.
-- grain: one row for each combination of site, line, band, effect in $by
-- parameters: start, end, sites, lines, bands, by
-- serves: safety age_groups
-- hides: patients
select
    case when list_contains($by, 'site') then site end as site,
    case when list_contains($by, 'line') then line end as line,
    case when list_contains($by, 'band') then band end as band,
    case when list_contains($by, 'effect') then effect end as effect,
    count(distinct patient)::bigint as patients
from side_effects
where starts_on between $start and $end
    and status = 'completed'
    and list_contains($sites::site[], site)
    and list_contains($lines::line[], line)
    and list_contains($bands::band[], band)
group by all
order by all
