-- Completed infusions between one infusion with the side effect and the next, the latest 60 of each site.
-- grain: infusion with the effect; the first of a site has none before it and is left out
-- parameters: until (inclusive local date), sites, lines, bands, effect (severe: of grade severe or worse;
--   serious: any serious one)
-- serves: signals
with counted as (
    -- How many infusions with it a day has, from the cubes.
    select site, line, band, starts_on, infusions
    from daily_effects
    where effect::varchar = $effect and $effect not in ('serious', 'severe')
    union all
    select site, line, band, starts_on, if($effect = 'serious', with_serious, with_severe)
    from daily
    where $effect in ('serious', 'severe')
),
reached as (
    select site, starts_on, sum(sum(infusions)) over (partition by site order by starts_on desc) as infusions
    from counted
    where starts_on <= $until
        and infusions > 0
        and list_contains($sites::site[], site)
        and list_contains($lines::line[], line)
        and list_contains($bands::band[], band)
    group by site, starts_on
),
-- The day from which on each site has as many as are needed, or all that it has.
since as (
    select min(starts_on) as starts_on
    from (
        select coalesce(max(starts_on) filter (where infusions >= 61), min(starts_on)) as starts_on
        from reached
        group by site
    )
),
happened as (
    select distinct booking_id, site, starts_on
    from side_effects
    where status = 'completed'
        and starts_on between (select starts_on from since) and $until
        and list_contains($sites::site[], site)
        and list_contains($lines::line[], line)
        and list_contains($bands::band[], band)
        and (
            effect::varchar = $effect
            or ($effect = 'serious' and serious)
            or ($effect = 'severe' and severity in ('severe', 'life_threatening', 'fatal'))
        )
),
-- One more than are shown, for the gap before the first; all of a day, whose order is in the bookings.
latest as (
    select booking_id, site, starts_on
    from happened
    qualify rank() over (partition by site order by starts_on desc) <= 61
),
-- Days are counted in the cube; only those with an event are looked at booking by booking.
days as (
    select site, starts_on, sum(completed) as infusions
    from daily
    where starts_on <= $until
        and list_contains($sites::site[], site)
        and list_contains($lines::line[], line)
        and list_contains($bands::band[], band)
    group by all
),
before as (
    select site, starts_on, sum(infusions) over (partition by site order by starts_on) - infusions as infusions
    from days
),
places as (
    select
        site,
        starts_on,
        booking_id,
        row_number() over (partition by site, starts_on order by starts_at, booking_id) as place
    from bookings
    semi join latest on latest.site = bookings.site and latest.starts_on = bookings.starts_on
    where status = 'completed'
        and list_contains($lines::line[], line)
        and list_contains($bands::band[], band)
),
positions as (
    select places.site, places.starts_on, before.infusions + place as position
    from places
    inner join before using (site, starts_on)
    semi join latest using (booking_id)
),
gaps as (
    select
        site,
        starts_on as period,
        position,
        position - lag(position) over (partition by site order by position) - 1 as between_them,
        row_number() over (partition by site order by position desc) as from_last
    from positions
)
select site, period, between_them::bigint as value
from gaps
where between_them is not null
    and from_last <= 60
order by site, position
