-- Chair-minutes that stood open, by whichever of period and site $by names.
-- parameters: start, end, sites, by, grain
-- serves: today bookings
select
    case
        when not list_contains($by, 'period') then null
        when $grain = 'week' then week
        when $grain = 'month' then month
        else date
    end as period,
    case when list_contains($by, 'site') then site end as site,
    sum(capacity_minutes)::bigint as capacity_minutes,
    count(*) filter (where open)::bigint as open_days
from calendar
where date between $start and $end
    and list_contains($sites::site[], site)
group by all
order by all
