-- What changed against the extract before, by table and site; a table as a whole only where all sites are asked for.
-- grain: source × site (null: all sites)
-- parameters: sites
-- serves: data
-- hides: rows_before rows_now added removed changed
select source, site, rows_before, rows_now, added, removed, changed
from changes
where list_contains($sites::varchar[], site)
    or (site is null and len($sites) >= (select count(*) from sites))
order by source, site nulls first
