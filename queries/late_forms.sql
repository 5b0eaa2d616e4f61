-- Completed visits whose side-effect form is due and missing.
-- grain: site × starts_on
-- parameters: sites
-- serves: data
select site, starts_on, completed, missing
from late_forms
where missing > 0 and list_contains($sites::site[], site)
order by site, starts_on desc
