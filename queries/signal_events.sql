-- Completed infusions with each side effect by day; no row where there was none.
-- grain: day × site × line × age group × effect
-- parameters: sites, until (inclusive local date)
-- serves: signals
select
    starts_on,
    site,
    line,
    "group",
    effect,
    sum(infusions)::bigint as events
from daily_effects
inner join age_bands using (band)
where list_contains($sites::site[], site)
    and starts_on <= $until
    and infusions > 0
group by all
order by all
