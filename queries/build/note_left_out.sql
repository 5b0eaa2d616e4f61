-- What has no place in the contract: whole resources, where what is the type itself, and elements of others.
-- Of mapped files the rows that the mapping leaves out, where what is the table, and the values that it wants empty where
-- they cannot be used, where it is the column.
-- parameters: sources, names, whats, counts, reasons
insert into left_out
select source, file, what, rows, reason
from (
    select
        unnest($sources::varchar[]) as source, unnest($names::varchar[]) as file, unnest($whats::varchar[]) as what,
        unnest($counts::bigint[]) as rows, unnest($reasons::varchar[]) as reason
)
order by source, file, what, reason
