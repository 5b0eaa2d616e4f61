-- Completed infusions with and without the side effect, and after how many the patient came back for another of the
-- same service line within 60 days.
-- grain: site × whether it had the side effect
-- parameters: start, until (inclusive local dates; 60 days or more before the last full day), sites, lines, bands,
--   effect (empty: any; serious: any serious one)
-- serves: events
with happened as (
    select distinct booking_id
    from side_effects
    where starts_on between $start and $until
        and list_contains($sites::site[], site)
        and ($effect = '' or effect::varchar = $effect or ($effect = 'serious' and serious))
),
infusions as (
    select
        site,
        band,
        booking_id,
        starts_on,
        lead(starts_on) over (partition by patient, line order by starts_at, booking_id) as next_on
    from bookings
    where status = 'completed'
        and starts_on >= $start
        and list_contains($sites::site[], site)
        and list_contains($lines::line[], line)
)
select
    site,
    happened.booking_id is not null as with_it,
    count(*)::bigint as infusions,
    count(*) filter (where date_diff('day', starts_on, next_on) <= 60)::bigint as returned
from infusions
left join happened on happened.booking_id = infusions.booking_id
where starts_on <= $until
    and list_contains($bands::band[], band)
group by all
order by all
