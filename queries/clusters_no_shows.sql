-- How no-shows of one patient go together: past appointments of each patient on one weekday in spans of so many days, of a
-- sample of patients, their sums and the sums of their squares. Spans are counted back from $until.
-- grain: site
-- parameters: days, until, one_in (one of so many patients), sites
-- serves: signals
with appointments as (
    select
        site,
        patient,
        cast(date_diff('day', starts_on, $until::date) % 7 as integer) as weekday,
        cast(floor(date_diff('day', starts_on, $until::date) / $days::integer) as integer) as span,
        count(*) as trials,
        sum(if(status = 'no_show', 1, 0)) as hits
    from bookings
    where status in ('arrived', 'completed', 'no_show')
        and starts_on <= $until
        and patient % $one_in::integer = 0
        and list_contains($sites::site[], site)
    group by all
)
select
    site,
    count(*)::bigint as patients,
    sum(trials)::bigint as trials,
    sum(trials * trials)::bigint as trials_squared,
    sum(hits)::bigint as hits,
    sum(hits * hits)::bigint as hits_squared,
    sum(hits * trials)::bigint as hits_trials
from appointments
group by all
order by all
