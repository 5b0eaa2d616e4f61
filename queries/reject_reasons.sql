-- Why rows were rejected: counts, without the values.
-- sites: none
-- serves: data
select source, file, column_name, reason, count(distinct line)::bigint as lines
from rejects
group by all
order by lines desc, source, file, column_name, reason
