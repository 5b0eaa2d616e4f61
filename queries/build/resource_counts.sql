-- Resources by type, all files together, with what became of them.
select
    resource,
    sum(rows_read)::bigint,
    sum(rows_accepted)::bigint,
    sum(rows_rejected)::bigint,
    sum(rows_looked_up)::bigint,
    sum(rows_left_out)::bigint
from resources
group by resource
order by resource
