-- Courses of ketamine begun in the period, by whichever dimensions $by names: inductions and what scores say.
-- grain: one row for each combination of period, site, band, indication in $by; all of the first infusion
-- parameters: start, end (inclusive local dates of the first infusion), sites, bands, by (list of text), grain,
--   until (the last full day: what is due by then)
-- serves: outcomes
select
    case
        when not list_contains($by, 'period') then null
        when $grain = 'week' then date_trunc('week', first_on)::date
        when $grain = 'month' then date_trunc('month', first_on)::date
        else first_on
    end as period,
    case when list_contains($by, 'site') then site end as site,
    case when list_contains($by, 'band') then band end as band,
    case when list_contains($by, 'indication') then coalesce(indication, '') end as indication,
    count(*)::bigint as courses,
    count(*) filter (where first_on + 28 <= $until)::bigint as inductions_due,
    count(*) filter (where first_on + 28 <= $until and infusions_by_day_28 >= 6)::bigint as inductions_completed,
    count(*) filter (where first_on + 28 > $until)::bigint as inductions_under_way,
    count(*) filter (where induction_end_on + 31 <= $until)::bigint as follow_up_due,
    count(*) filter (
        where induction_end_on + 31 <= $until and phq9_baseline is not null and phq9_after is not null
    )::bigint as phq9_followed,
    count(*) filter (
        where induction_end_on + 31 <= $until and phq9_baseline > 0 and phq9_after <= phq9_baseline / 2
    )::bigint as phq9_responded,
    count(*) filter (
        where induction_end_on + 31 <= $until and phq9_baseline is not null and phq9_after < 5
    )::bigint as phq9_remitted,
    count(*) filter (
        where induction_end_on + 31 <= $until and phq9_after >= phq9_baseline + 5
    )::bigint as phq9_worsened,
    count(*) filter (
        where first_on + 16 <= $until and phq9_baseline > 0 and phq9_day_1 <= phq9_baseline / 2
            and phq9_day_14 is not null
    )::bigint as phq9_early_responders,
    count(*) filter (
        where first_on + 16 <= $until and phq9_baseline > 0 and phq9_day_1 <= phq9_baseline / 2
            and phq9_day_14 <= phq9_baseline / 2
    )::bigint as phq9_still_responding,
    count(*) filter (
        where induction_end_on + 31 <= $until and gad7_baseline is not null and gad7_after is not null
    )::bigint as gad7_followed,
    count(*) filter (
        where induction_end_on + 31 <= $until and gad7_baseline > 0 and gad7_after <= gad7_baseline / 2
    )::bigint as gad7_responded,
    count(*) filter (
        where induction_end_on + 31 <= $until and gad7_after >= gad7_baseline + 5
    )::bigint as gad7_worsened,
    count(*) filter (
        where first_on + 16 <= $until and gad7_baseline > 0 and gad7_day_1 <= gad7_baseline / 2
            and gad7_day_14 is not null
    )::bigint as gad7_early_responders,
    count(*) filter (
        where first_on + 16 <= $until and gad7_baseline > 0 and gad7_day_1 <= gad7_baseline / 2
            and gad7_day_14 <= gad7_baseline / 2
    )::bigint as gad7_still_responding
from courses
where first_on between $start and $end
    and site = any($sites::site[])
    and band = any($bands::band[])
group by all
order by all
