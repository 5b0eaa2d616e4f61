-- All that is recorded of one patient, in order: infusions, side effects, scores.
-- grain: completed infusion, side effect or score
-- parameters: sites, patient (the keyed number as text)
-- serves: events
select
    starts_at as moment,
    'Infusion' as kind,
    service::varchar as what,
    null as severity,
    dose_mg::double as value,
    site
from bookings
where status = 'completed'
    and list_contains($sites::site[], site)
    and patient::varchar = $patient
union all
select
    coalesce(onset_at, starts_on),
    'Side effect',
    effect::varchar,
    severity::varchar,
    null,
    site
from side_effects
where list_contains($sites::site[], site)
    and patient::varchar = $patient
union all
select
    taken_at,
    instrument,
    instrument,
    null,
    score::double,
    site
from scores
where list_contains($sites::site[], site)
    and patient::varchar = $patient
order by moment, kind
