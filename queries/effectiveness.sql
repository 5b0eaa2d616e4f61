-- Patients whose time for a score after ketamine ended in the period, how many were scored and how they fared, by
-- whichever dimensions $by names; see queries/build/outcomes.sql.
-- grain: one row for each instrument, moment (hours_24, day_7, day_14, after_induction) and combination of site,
--   band, indication in $by
-- parameters: start, end, sites, lines, bands, by, until (the last full day: a time that ends later still runs)
-- serves: safety
select
    instrument,
    moment,
    case when list_contains($by, 'site') then site end as site,
    case when list_contains($by, 'band') then band end as band,
    case when list_contains($by, 'indication') then coalesce(indication, '') end as indication,
    sum(due)::bigint as due,
    sum(scored)::bigint as scored,
    sum(change_sum)::bigint as change_sum,
    sum(change_squares)::bigint as change_squares,
    sum(responded)::bigint as responded,
    sum(in_remission)::bigint as in_remission,
    sum(worse)::bigint as worse,
    sum(early_responders)::bigint as early_responders,
    sum(early_scored)::bigint as early_scored,
    sum(lasting)::bigint as lasting
from daily_outcomes
where due_on between $start and least($end::date, $until::date)
    and list_contains($sites::site[], site)
    and list_contains($bands::band[], band)
    and 'ketamine' = any($lines)
group by all
order by all
