-- Completed infusions with and without the side effect, and after how many the patient came back to the site for
-- another of the same service line within 60 days.
-- grain: site × line × band × whether it had the side effect
-- parameters: start, until (inclusive local dates; 60 days or more before the last full day), sites, lines, bands,
--   effect (empty: any; serious: any serious one)
-- serves: events
with counted as (
    select
        site,
        line,
        band,
        effect is not null as with_it,
        sum(infusions) as infusions,
        sum(returned) as returned
    from daily_returns
    where starts_on between $start and $until
        and list_contains($sites::site[], site)
        and list_contains($lines::line[], line)
        and list_contains($bands::band[], band)
        and (effect is null or effect = case $effect when '' then 'any effect' when 'serious' then 'any serious' else $effect end)
    group by all
),
without as (
    -- Every infusion less those with it.
    select
        site,
        line,
        band,
        sum(if(with_it, -infusions, infusions)) as infusions,
        sum(if(with_it, -returned, returned)) as returned
    from counted
    group by site, line, band
)
select site, line, band, with_it, infusions::bigint as infusions, returned::bigint as returned
from counted
where with_it
union all
select site, line, band, false, infusions::bigint, returned::bigint
from without
order by all
