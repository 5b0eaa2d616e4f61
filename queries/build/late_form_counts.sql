-- Side-effect forms that are due and missing, by site.
select site::varchar, sum(missing)::bigint, sum(completed)::bigint, min(starts_on) from late_forms group by site order by site
