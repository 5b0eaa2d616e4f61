-- The latest 2,000 side effects with who had them: which infusion, of whom, what came of it.
-- grain: side effect, latest first; infusion: the how-manieth completed one of the line at the site
-- parameters: start, end (inclusive local dates of the visit), sites, lines, bands, effect (empty: any; serious: any
--   serious one; grave: any serious, severe or worse, of unknown severity, or with an emergency transfer)
-- serves: events
with found as (
    select *
    from side_effects
    where starts_on between $start and $end
        and list_contains($sites::site[], site)
        and list_contains($lines::line[], line)
        and list_contains($bands::band[], band)
        and (
            $effect = ''
            or effect::varchar = $effect
            or ($effect in ('serious', 'grave') and serious)
            or ($effect = 'grave' and (transfer or severity in ('severe', 'life_threatening', 'fatal', 'unknown')))
        )
    order by starts_on desc, event_id
    limit 2000
)
select
    event_id,
    found.patient::varchar as patient,
    found.starts_on,
    found.site,
    found.service,
    found.line,
    bookings.age::integer as age,
    bookings.infusion::bigint as infusion,
    bookings.dose_mg::double as dose_mg,
    effect,
    severity,
    serious,
    related,
    onset_minutes,
    duration_minutes,
    outcome,
    action
from found
left join bookings on bookings.booking_id = found.booking_id and bookings.starts_on = found.starts_on
order by found.starts_on desc, event_id
