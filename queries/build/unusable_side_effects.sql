-- As unusable_bookings.sql, of side effects.
-- parameters: file, columns
create or replace temp table unusable as
select column_name, list_sum(list_transform(places, lambda place: 1::ubigint << place))::ubigint as bits
from (
    values
        ('severity', [3, 35]), ('serious', [4, 36]), ('related', [5, 37]), ('onset_at', [6, 38]),
        ('resolved_at', [7, 8, 39]), ('outcome', [9, 40]), ('action', [10, 41])
) as known (column_name, places)
where list_contains($columns::varchar[], column_name);

insert into emptied
select $file::uinteger, column_name, count(*)
from read_side_effects, unusable
where file = $file and is_faulty(faults) and faults & bits <> 0 and usable(faults) = 0
group by column_name;

update read_side_effects
set
    related = if(is_unusable(faults, 'related'), null, related),
    resolved_local = if(is_unusable(faults, 'resolved_at'), null, resolved_local),
    resolved_instant = if(is_unusable(faults, 'resolved_at'), null, resolved_instant),
    outcome = if(is_unusable(faults, 'outcome'), null, outcome),
    action = if(is_unusable(faults, 'action'), null, action),
    faults = usable(faults)
where file = $file and is_faulty(faults)
