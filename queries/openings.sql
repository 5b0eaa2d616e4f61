-- The local date of each site's first booking; a site without any has no row.
-- grain: site
-- parameters: sites
-- serves: account
select site::varchar as site, min(starts_on) as first_day
from daily
where list_contains($sites::site[], site)
group by site
