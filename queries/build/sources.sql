-- The files with what became of their rows: read is counted by the scan, all else here.
create table sources as
with unfit as (
    select files.file, count(distinct late.row) as n
    from late_rejects as late
    asof inner join (select * from files where sound > 0) as files
        on files.source = late.source and late.row >= files.first_row
    group by files.file
),
rejected as (
    select source, file as name, count(distinct line) as n from rejects group by all
)
select
    files.source,
    files.name as file,
    files.sha256,
    files.bytes,
    files.rows_read,
    (files.sound - files.left_out - coalesce(unfit.n, 0))::bigint as rows_accepted,
    coalesce(rejected.n, 0)::bigint as rows_rejected,
    files.left_out as rows_left_out
from files
left join unfit on unfit.file = files.file
left join rejected on rejected.source = files.source and rejected.name = files.name
order by files.file
