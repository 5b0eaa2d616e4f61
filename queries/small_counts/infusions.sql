-- Completed infusions after which a side effect was reported, with their patients: true counts of one
-- site, for dashboard/small_counts.py alone.
-- grain: period (month, quarter, year by its first day) × nothing, line or band
-- parameters: site, start, end
with reported as (
    select starts_on, line, band, patient, has_severe, has_serious
    from bookings
    where site = $site
        and status = 'completed'
        and has_effect
        and starts_on between $start and $end
),
grains as (
    select unnest(['month', 'quarter', 'year']) as grain
),
dated as (
    select
        reported.*,
        grain,
        -- Spark truncates to no unit that a column names.
        case grain
            when 'month' then date_trunc('month', starts_on)
            when 'quarter' then date_trunc('quarter', starts_on)
            else date_trunc('year', starts_on)
        end::date as start
    from reported
    cross join grains
)
select
    grain,
    start,
    line,
    band,
    count(*)::bigint as with_effect,
    count(distinct patient)::bigint as patients_with_effect,
    count(*) filter (where has_severe)::bigint as with_severe,
    count(distinct patient) filter (where has_severe)::bigint as patients_with_severe,
    count(*) filter (where has_serious)::bigint as with_serious,
    count(distinct patient) filter (where has_serious)::bigint as patients_with_serious
from dated
group by grain, start, grouping sets ((), (line), (band))
