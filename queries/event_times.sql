-- How many side effects began and were over after how many minutes.
-- grain: line × effect × minutes to onset × minutes of duration, either of them null where not recorded
-- parameters: start, end, sites, lines, bands, effect (empty: any; serious: any serious one)
-- serves: events
select
    line,
    effect,
    onset_minutes,
    duration_minutes,
    count(*)::bigint as events
from side_effects
where starts_on between $start and $end
    and status = 'completed'
    and site = any($sites::site[])
    and line = any($lines::line[])
    and band = any($bands::band[])
    and ($effect = '' or effect::varchar = $effect or ($effect = 'serious' and serious))
group by all
order by all
