-- Courses of ketamine begun in the period, by whichever dimensions $by names.
-- grain: one row for each combination of period, site, band in $by; all of the first infusion
-- parameters: start, end (inclusive local dates of the first infusion), sites, bands, by (list of text), grain,
--   until (the last full day: what is due by then)
-- serves: courses age_groups
select
    case when list_contains($by, 'period') then date_trunc($grain, first_on)::date end as period,
    case when list_contains($by, 'site') then site end as site,
    case when list_contains($by, 'band') then band end as band,
    count(*)::bigint as courses,
    count(*) filter (where first_on + 28 <= $until)::bigint as inductions_due,
    count(*) filter (where first_on + 28 <= $until and infusions_by_day_28 >= 6)::bigint as inductions_completed,
    count(*) filter (where first_on + 28 > $until)::bigint as inductions_under_way
from courses
where first_on between $start and $end
    and list_contains($sites::site[], site)
    and list_contains($bands::band[], band)
group by all
order by all
