-- How side effects of one patient go together: completed infusions of each patient in spans of so many days, of a
-- sample of patients, their sums and the sums of their squares. Spans are counted back from $until, and a patient
-- counts as another one in each; those without a side effect by name have no row of it.
-- grain: site × line × what ('' any side effect, 'severe', 'serious', or one by name)
-- parameters: days, until, one_in (one of so many patients), sites
-- serves: signals
with visits as (
    select
        site,
        line,
        patient,
        cast(floor(date_diff('day', starts_on, $until::date) / $days::integer) as integer) as span,
        has_effect,
        has_severe,
        has_serious
    from bookings
    where status = 'completed'
        and starts_on <= $until
        and patient % $one_in::integer = 0
        and list_contains($sites::site[], site)
),
infusions as (
    select
        site,
        line,
        patient,
        span,
        count(*) as infusions,
        sum(if(has_effect, 1, 0)) as effects,
        sum(if(has_severe, 1, 0)) as severe,
        sum(if(has_serious, 1, 0)) as serious
    from visits
    group by all
),
hits as (
    select
        site,
        line,
        patient,
        cast(floor(date_diff('day', starts_on, $until::date) / $days::integer) as integer) as span,
        effect,
        count(distinct booking_id) as hits
    from side_effects
    where status = 'completed'
        and starts_on <= $until
        and patient % $one_in::integer = 0
        and list_contains($sites::site[], site)
    group by all
),
each as (
    select site, line, '' as what, infusions, effects as hits from infusions
    union all
    select site, line, 'severe', infusions, severe from infusions
    union all
    select site, line, 'serious', infusions, serious from infusions
    union all
    select hits.site, hits.line, hits.effect::varchar, infusions.infusions, hits.hits
    from hits
    join infusions using (site, line, patient, span)
)
select
    site,
    line,
    what,
    count(*)::bigint as patients,
    sum(infusions)::bigint as trials,
    sum(infusions * infusions)::bigint as trials_squared,
    sum(hits)::bigint as hits,
    sum(hits * hits)::bigint as hits_squared,
    sum(hits * infusions)::bigint as hits_trials
from each
group by all
order by all
