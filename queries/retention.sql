-- How long patients went on with ketamine: days from the first infusion to the last one before a gap of more than
-- 60 days, up to 60 days before the last full day, since of later ones nobody can tell yet; who began later is left out.
-- Where days after that were counted, in which nobody can be seen to stop, too many would seem to go on.
-- grain: one row for each combination of site, band in $by, days and stopped
-- parameters: start, end (inclusive local dates of the first infusion), sites, bands, by, until (the last full day)
-- serves: courses
with followed as (
    select
        site,
        band,
        date_diff('day', first_on, stopped_on) as days,
        date_diff('day', first_on, $until::date) - 60 as followed
    from courses
    where first_on between $start and $end
        and list_contains($sites::site[], site)
        and list_contains($bands::band[], band)
)
select
    case when list_contains($by, 'site') then site end as site,
    case when list_contains($by, 'band') then band end as band,
    least(days, followed)::integer as days,
    days < followed as stopped,
    count(*)::bigint as patients
from followed
where followed >= 0
group by all
order by all
