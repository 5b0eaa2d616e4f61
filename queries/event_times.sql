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
    and list_contains($sites::site[], site)
    and list_contains($lines::line[], line)
    and list_contains($bands::band[], band)
    and ($effect = '' or effect::varchar = $effect or ($effect = 'serious' and serious))
group by all
order by all
