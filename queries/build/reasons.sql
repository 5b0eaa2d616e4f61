-- Why lines were rejected, with the first lines of each reason. A file may hold several tables.
select
    file,
    column_name,
    reason,
    count(distinct line) as lines,
    min(line) as first_line,
    arg_min(value, line) as first_value,
    min(line, 5) as first_lines,
    source
from rejects
group by source, file, column_name, reason
order by file, first_line, column_name, source
