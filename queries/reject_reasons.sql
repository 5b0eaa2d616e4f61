-- Why rows were rejected: counts and the first lines, without the values. `rejected` are the rejected rows of the table's
-- file, each once, and `several` those of them that have more than one reason.
-- grain: source × file × column × reason
-- sites: none
-- serves: data
-- hides: lines first_lines rejected several
with faults as (
    select distinct source, file, line, column_name, reason from rejects
),
faulty as (
    select source, file, line, count(*) as reasons from faults group by source, file, line
),
files as (
    select source, file, count(*)::bigint as rejected, count_if(reasons > 1)::bigint as several
    from faulty
    group by source, file
)
select
    faults.source, faults.file, column_name, reason,
    count(*)::bigint as lines,
    array_to_string(min(line, 5), ', ') as first_lines,
    any_value(rejected) as rejected,
    any_value(several) as several
from faults
inner join files on files.source = faults.source and files.file = faults.file
group by faults.source, faults.file, column_name, reason
order by faults.source, faults.file, column_name, reason
