-- Completed infusions and their side-effect forms by day, for tests of a rate against its own past.
-- grain: day × site × line × age group
-- parameters: sites, until (inclusive local date)
-- serves: signals
select
    starts_on,
    site,
    line,
    "group",
    sum(completed)::bigint as infusions,
    sum(assessed)::bigint as assessed,
    sum(with_serious)::bigint as serious
from daily
inner join age_bands using (band)
where list_contains($sites::site[], site)
    and starts_on <= $until
    and completed > 0
group by all
order by all
