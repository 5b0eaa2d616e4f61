-- Resources by file and type: read = accepted + rejected + looked up + left out.
create table resources as
select
    counted.file,
    counted.resource,
    counted.sha256,
    counted.bytes,
    counted.rows_read,
    coalesce(sources.rows_accepted, 0)::bigint as rows_accepted,
    (counted.rows_rejected + coalesce(sources.rows_rejected, 0))::bigint as rows_rejected,
    counted.rows_looked_up,
    counted.rows_left_out
from resource_files as counted
left join sources on sources.file = counted.file and sources.source = counted.table_name
order by counted.file, counted.resource
