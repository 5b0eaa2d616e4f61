-- How many patients had how many infusions with the side effect.
-- grain: site × number of infusions with it
-- parameters: start, end, sites, lines, bands, effect (empty: any; serious: any serious one)
-- serves: signals
with repeats as (
    select site, patient, count(distinct booking_id) as infusions
    from side_effects
    where status = 'completed'
        and starts_on between $start and $end
        and list_contains($sites::site[], site)
        and list_contains($lines::line[], line)
        and list_contains($bands::band[], band)
        and ($effect = '' or effect::varchar = $effect or ($effect = 'serious' and serious))
    group by all
)
select site, infusions::bigint as infusions, count(*)::bigint as patients
from repeats
group by all
order by all
