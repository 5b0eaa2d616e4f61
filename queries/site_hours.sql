-- Chairs and opening hours of one local day, empty where the site is closed, and the shortest usual visit.
-- grain: site
-- parameters: day (local date), sites
-- serves: today
select
    sites.site::varchar as site,
    timezone,
    chairs,
    case when open then opens end as opens,
    case when open then closes end as closes,
    (select min(minutes) from service_prices where $day::date between from_on and until_on) as shortest
from sites
inner join site_hours as hours on hours.site = sites.site and $day::date between hours.from_on and hours.until_on
left join calendar on calendar.site = sites.site and calendar.date = $day::date
where list_contains($sites::site[], sites.site)
order by position
