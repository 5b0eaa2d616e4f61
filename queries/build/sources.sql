-- The files with what became of their rows: read is counted by the scan, accepted and rejected here.
create table sources as
with accepted as (
    select read.file, count(*) as n
    from read_bookings as read
    where faults = 0 and not exists (select 1 from late_rejects as l where l.source = 'bookings' and l.row = read.rowid)
    group by read.file
    union all
    select read.file, count(*)
    from read_side_effects as read
    where faults = 0 and not exists (select 1 from late_rejects as l where l.source = 'side_effects' and l.row = read.rowid)
    group by read.file
    union all
    select read.file, count(*)
    from read_payments as read
    where faults = 0 and not exists (select 1 from late_rejects as l where l.source = 'payments' and l.row = read.rowid)
    group by read.file
    union all
    select read.file, count(*)
    from read_scores as read
    where faults = 0 and not exists (select 1 from late_rejects as l where l.source = 'scores' and l.row = read.rowid)
    group by read.file
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
    coalesce(accepted.n, 0)::bigint as rows_accepted,
    coalesce(rejected.n, 0)::bigint as rows_rejected
from files
left join accepted on accepted.file = files.file
left join rejected on rejected.source = files.source and rejected.name = files.name
order by files.file
