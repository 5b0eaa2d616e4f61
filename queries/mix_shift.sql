-- Completed visits of two periods by what became of the patients between them: came, left, stayed.
-- A patient's visits of the three lines are summed as one number, a line every six digits: that takes half the time of
-- a count for each, and of patients and lines grouped one after the other. It holds below a million visits of one
-- patient in a line and period.
-- grain: line × kind
-- parameters: start, end, before_start, before_end (inclusive local dates), sites, bands
-- serves: service_mix
with lines as (
    select distinct line, case line when 'ketamine' then 1 when 'vitamin' then 1000000 else 1000000000000 end::bigint as unit
    from services
),
visits as (
    select
        patient,
        starts_on,
        unit
    from bookings
    inner join lines using (line)
    where status = 'completed'
        and (starts_on between $start and $end or starts_on between $before_start and $before_end)
        and list_contains($sites::site[], site)
        and list_contains($bands::band[], band)
),
patients as (
    select
        sum(case when starts_on between $start and $end then unit else 0 end) as now,
        sum(case when starts_on between $before_start and $before_end then unit else 0 end) as before
    from visits
    group by patient
),
patterns as (
    select now, before, count(*) as patients
    from patients
    group by all
),
by_line as (
    select
        line,
        case when before = 0 then 'came' when now = 0 then 'left' else 'stayed' end as kind,
        patients,
        now // unit % 1000000 as visits_now,
        before // unit % 1000000 as visits_before
    from patterns
    cross join lines
)
select
    line,
    kind,
    sum(patients)::bigint as patients,
    sum(patients * visits_now)::bigint as visits_now,
    sum(patients * visits_before)::bigint as visits_before
from by_line
where visits_now > 0 or visits_before > 0
group by all
order by all
