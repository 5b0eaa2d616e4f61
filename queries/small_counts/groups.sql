-- Whom the side effects of a site's completed infusions could be of: true numbers of one site, for
-- dashboard/small_counts.py alone. Where the first patient is the last, there is one.
-- grain: period (month, quarter, year by its first day) × line × band
-- parameters: site, start, end
with treated as (
    select starts_on, line, band, patient::varchar as patient, assessed
    from bookings
    where site = $site
        and status = 'completed'
        and starts_on between $start and $end
),
grains as (
    select unnest(['month', 'quarter', 'year']) as grain
),
dated as (
    select
        treated.*,
        grain,
        -- Spark truncates to no unit that a column names.
        case grain
            when 'month' then date_trunc('month', starts_on)
            when 'quarter' then date_trunc('quarter', starts_on)
            else date_trunc('year', starts_on)
        end::date as start
    from treated
    cross join grains
)
select
    grain,
    start,
    line,
    band,
    count(distinct patient) filter (where assessed)::bigint as asked,
    coalesce(min(patient) filter (where assessed), '') as first_patient,
    coalesce(max(patient) filter (where assessed), '') as last_patient
from dated
group by grain, start, line, band
