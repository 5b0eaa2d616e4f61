-- Side effects with their infusions and patients: true counts of one site, for
-- dashboard/small_counts.py alone.
-- grain: period (month, quarter, year by its first day) × nothing, effect, or effect and one of line,
--   band, severity
-- parameters: site, start, end
with grains as (
    select unnest(['month', 'quarter', 'year']) as grain
),
dated as (
    select
        side_effects.*,
        grain,
        -- Spark truncates to no unit that a column names.
        case grain
            when 'month' then date_trunc('month', starts_on)
            when 'quarter' then date_trunc('quarter', starts_on)
            else date_trunc('year', starts_on)
        end::date as start
    from side_effects
    cross join grains
    where site = $site
        and starts_on between $start and $end
)
select
    grain,
    start,
    effect,
    line,
    band,
    severity,
    count(*) filter (where status = 'completed')::bigint as events,
    count(*) filter (where status = 'completed' and first_of_kind)::bigint as infusions,
    count(distinct patient) filter (where status = 'completed')::bigint as patients,
    count(*) filter (where serious)::bigint as serious_events,
    count(distinct patient) filter (where serious)::bigint as patients_serious,
    count(*) filter (where transfer)::bigint as transfers,
    count(distinct patient) filter (where transfer)::bigint as patients_transferred
from dated
group by
    grain, start,
    grouping sets ((), (effect), (effect, line), (effect, band), (effect, severity))
