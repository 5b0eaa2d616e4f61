-- Rows with values that their mapping cannot read, one row here for each of them.
insert into late_rejects
with misfits as (
    select 'bookings' as source, rowid as row, file, faults, raw from read_bookings where faults >> 32 <> 0
    union all
    select 'side_effects', rowid, file, faults, raw from read_side_effects where faults >> 32 <> 0
    union all
    select 'payments', rowid, file, faults, raw from read_payments where faults >> 32 <> 0
    union all
    select 'scores', rowid, file, faults, raw from read_scores where faults >> 32 <> 0
)
select
    misfits.source,
    row,
    column_name,
    raw[column_name],
    case when raw[column_name] is null then coalesce(missing, reason) else coalesce(reason, missing) end
from misfits
inner join mapped_columns on mapped_columns.file = misfits.file and (faults >> (32 + place)::ubigint) & 1 = 1
