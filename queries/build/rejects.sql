-- Rejected rows with their physical lines.
insert into rejects
with located as (
    select late.*, files.file, files.name, late.row - files.first_row as file_row
    from late_rejects as late
    asof inner join (select * from files where sound > 0) as files
        on files.source = late.source and late.row >= files.first_row
)
select
    source,
    name,
    file_row + shift,
    column_name,
    case when length(value) > 40 then left(value, 39) || '…' else value end,
    reason
from located
asof inner join line_shifts on line_shifts.file = located.file and located.file_row >= line_shifts.first_row
order by all
