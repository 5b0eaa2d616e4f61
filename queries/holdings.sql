-- What the extract holds, by site.
-- grain: site
-- serves: data
select
    site,
    min(starts_on) as first_day,
    max(starts_on) as last_day,
    sum(bookings)::bigint as bookings,
    sum(completed)::bigint as completed,
    sum(assessed)::bigint as assessed
from daily
where list_contains($sites::site[], site)
group by all
order by site
