-- Change of scores from baseline in each window after the first infusion, and after induction; additive.
-- grain: instrument × window × whichever of site, band, indication $by names, all of the first infusion
-- parameters: start, end (inclusive local dates of the first infusion), sites, bands, by,
--   until (the last full day: windows that are over by then count)
-- serves: outcomes
with windows as (
    select
        case when list_contains($by, 'site') then site end as site,
        case when list_contains($by, 'band') then band end as band,
        case when list_contains($by, 'indication') then coalesce(indication, '') end as indication,
        unnest([
            {instrument: 'PHQ-9', moment: 'day_1', baseline: phq9_baseline, score: phq9_day_1, over_on: first_on + 1},
            {instrument: 'PHQ-9', moment: 'day_7', baseline: phq9_baseline, score: phq9_day_7, over_on: first_on + 9},
            {instrument: 'PHQ-9', moment: 'day_14', baseline: phq9_baseline, score: phq9_day_14, over_on: first_on + 16},
            {instrument: 'PHQ-9', moment: 'after', baseline: phq9_baseline, score: phq9_after, over_on: induction_end_on + 31},
            {instrument: 'GAD-7', moment: 'day_1', baseline: gad7_baseline, score: gad7_day_1, over_on: first_on + 1},
            {instrument: 'GAD-7', moment: 'day_7', baseline: gad7_baseline, score: gad7_day_7, over_on: first_on + 9},
            {instrument: 'GAD-7', moment: 'day_14', baseline: gad7_baseline, score: gad7_day_14, over_on: first_on + 16},
            {instrument: 'GAD-7', moment: 'after', baseline: gad7_baseline, score: gad7_after, over_on: induction_end_on + 31}
        ], recursive := true)
    from courses
    where first_on between $start and $end
        and site = any($sites::site[])
        and band = any($bands::band[])
)
select
    instrument,
    moment,
    site,
    band,
    indication,
    count(*)::bigint as due,
    count(score - baseline)::bigint as scored,
    coalesce(sum(score - baseline), 0)::bigint as change_sum,
    coalesce(sum((score - baseline) * (score - baseline)), 0)::bigint as change_squares
from windows
where over_on <= $until
group by all
order by all
