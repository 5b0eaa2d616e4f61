-- Completed visits of two periods by what became of the patients between them: came, left, stayed.
-- grain: line × kind
-- parameters: start, end, before_start, before_end (inclusive local dates), sites, bands
-- serves: service_mix
with visits as (
    select
        patient,
        line,
        count(*) filter (where starts_on between $start and $end) as visits_now,
        count(*) filter (where starts_on between $before_start and $before_end) as visits_before
    from bookings
    where status = 'completed'
        and (starts_on between $start and $end or starts_on between $before_start and $before_end)
        and list_contains($sites::site[], site)
        and list_contains($bands::band[], band)
    group by all
),
patients as (
    select
        patient,
        case
            when sum(visits_before) = 0 then 'came'
            when sum(visits_now) = 0 then 'left'
            else 'stayed'
        end as kind
    from visits
    group by all
)
select
    line,
    kind,
    count(*)::bigint as patients,
    sum(visits_now)::bigint as visits_now,
    sum(visits_before)::bigint as visits_before
from visits
inner join patients using (patient)
group by all
order by all
