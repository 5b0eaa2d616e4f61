-- Accepted values that are possible and improbable.
-- grain: source × column × rule × site
-- parameters: sites
-- serves: data
-- hides: rows lowest highest
select source, column_name, rule, site, rows, lowest, highest
from oddities
where list_contains($sites::site[], site)
order by source, column_name, rule, site
