-- Distinct patients with each side effect after a completed infusion, by whichever of site, line and band $by names.
-- grain: effect × the dimensions of $by
-- parameters: start, end, sites, lines, bands, by
-- serves: safety age_groups
select
    case when list_contains($by, 'site') then site end as site,
    case when list_contains($by, 'line') then line end as line,
    case when list_contains($by, 'band') then band end as band,
    effect,
    count(distinct patient)::bigint as patients
from side_effects
where starts_on between $start and $end
    and status = 'completed'
    and site = any($sites::site[])
    and line = any($lines::line[])
    and band = any($bands::band[])
group by all
order by all
