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
    case
        when raw[column_name] is not null and not regexp_matches(raw[column_name], pattern) then unmatched
        when raw[column_name] is not null then coalesce(reason, missing)
        when pattern is null or map_contains(raw, column_name) then coalesce(missing, reason)
        -- Ids and birth dates are not at hand, so that all that may be wrong is told.
        else concat_ws(', or ', missing, unmatched, 'what it gives ' || reason)
    end
from misfits
inner join (select *, 'does not match the pattern ' || pattern as unmatched from mapped_columns) as mapped_columns
    on mapped_columns.file = misfits.file and (faults >> (32 + place)::ubigint) & 1 = 1
