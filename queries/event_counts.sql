-- Side effects of completed infusions over time, repeats counted; no row where there was none.
-- Not of the cubes, which have serious ones of all bookings, completed or not.
-- grain: period × site
-- parameters: start, end (inclusive local dates of the visit), sites, lines, bands, grain, effect (empty: any;
--   serious: any serious one)
-- serves: signals
select
    case
        when $grain = 'week' then date_trunc('week', starts_on)::date
        when $grain = 'month' then date_trunc('month', starts_on)::date
        else starts_on
    end as period,
    site,
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
