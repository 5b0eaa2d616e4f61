-- Side-effect forms that are due and missing, by site.
select site::varchar, sum(missing)::bigint, sum(completed)::bigint, min(starts_on) filter (where missing > 0)
from late_forms
group by site
having sum(missing) > 0
order by site
