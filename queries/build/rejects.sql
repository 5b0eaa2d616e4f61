-- Rejected rows with their physical lines.
insert into rejects
with located as (
    select late.*, files.file, files.name, late.row - files.first_row as file_row
    from late_rejects as late
    asof inner join (select * from files where sound > 0) as files
        on files.source = late.source and late.row >= files.first_row
)
select
    located.source,
    name,
    file_row + shift,
    located.column_name,
    case
        when mapped.personal and value is not null then '(not shown)'
        when length(value) > 40 then left(value, 39) || '…'
        else value
    end,
    located.reason || coalesce('; source column: ' || nullif(mapped.origin, ''), '')
from located
left join mapped_columns as mapped on mapped.file = located.file and mapped.column_name = located.column_name
asof inner join line_shifts on line_shifts.file = located.file and located.file_row >= line_shifts.first_row
order by all
