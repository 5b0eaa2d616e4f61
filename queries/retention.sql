-- How long patients went on with ketamine: days from the first infusion to the last one before a gap of more than
-- 60 days, and whether they are known to have stopped.
-- grain: one row for each combination of site, band in $by, days and stopped
-- parameters: start, end (inclusive local dates of the first infusion), sites, bands, by, until (the last full day)
-- serves: courses
select
    case when list_contains($by, 'site') then site end as site,
    case when list_contains($by, 'band') then band end as band,
    date_diff('day', first_on, stopped_on)::integer as days,
    resumed or date_diff('day', stopped_on, $until::date) > 60 as stopped,
    count(*)::bigint as patients
from courses
where first_on between $start and $end
    and list_contains($sites::site[], site)
    and list_contains($bands::band[], band)
group by all
order by all
