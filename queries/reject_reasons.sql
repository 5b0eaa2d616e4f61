-- Why rows were rejected: counts and the first lines, without the values.
-- sites: none
-- serves: data
select
    source, file, column_name, reason,
    count(distinct line)::bigint as lines,
    array_to_string(min(line, 5), ', ') as first_lines
from rejects
group by all
order by lines desc, source, file, column_name, reason
