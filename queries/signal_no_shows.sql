-- No-shows and past appointments by day.
-- grain: day × site
-- parameters: sites, until (inclusive local date)
-- serves: signals
select
    starts_on,
    site,
    sum(no_show)::bigint as events,
    sum(arrived + completed + no_show)::bigint as trials
from daily
where list_contains($sites::site[], site)
    and starts_on <= $until
group by all
order by all
