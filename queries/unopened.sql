-- Sites that have no booking of a day or of one before it.
-- grain: site
-- parameters: day (local date), sites
-- serves: account
select site::varchar as site
from sites
where
    list_contains($sites::site[], site)
    and not exists (select 1 from daily where daily.site = sites.site and starts_on <= $day::date)
