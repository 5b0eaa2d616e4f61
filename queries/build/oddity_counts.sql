-- Improbable values, over all sites.
select source, column_name, rule, sum(rows)::bigint, min(lowest), max(highest)
from oddities
group by source, column_name, rule
order by sum(rows) desc, source, column_name, rule
