-- No-shows and past appointments by day.
-- grain: day × site
-- parameters: sites, until (inclusive local date)
-- serves: signals
select
    starts_on,
    site,
    coalesce(sum(bookings) filter (where status = 'no_show'), 0)::bigint as events,
    coalesce(sum(bookings) filter (where status in ('arrived', 'completed', 'no_show')), 0)::bigint as trials
from daily
where site = any($sites::site[])
    and starts_on <= $until
group by all
order by all
