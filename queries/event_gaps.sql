-- Completed infusions between one infusion with the side effect and the next, the latest 60 of each site.
-- grain: infusion with the effect; the first of a site has none before it and is left out
-- parameters: until (inclusive local date), sites, lines, bands, effect (severe: of grade severe or worse;
--   serious: any serious one)
-- serves: signals
with infusions as (
    select
        site,
        starts_on,
        booking_id,
        row_number() over (partition by site order by starts_at, booking_id) as position
    from bookings
    where status = 'completed'
        and starts_on <= $until
        and list_contains($sites::site[], site)
        and list_contains($lines::line[], line)
        and list_contains($bands::band[], band)
),
happened as (
    select distinct booking_id
    from side_effects
    where status = 'completed'
        and starts_on <= $until
        and list_contains($sites::site[], site)
        and (
            effect::varchar = $effect
            or ($effect = 'serious' and serious)
            or ($effect = 'severe' and severity in ('severe', 'life_threatening', 'fatal'))
        )
),
gaps as (
    select
        site,
        starts_on as period,
        position,
        position - lag(position) over (partition by site order by position) - 1 as between_them,
        row_number() over (partition by site order by position desc) as from_last
    from infusions
    semi join happened using (booking_id)
)
select site, period, between_them::bigint as value
from gaps
where between_them is not null
    and from_last <= 60
order by site, position
