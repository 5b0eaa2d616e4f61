-- Values of optional columns that cannot be used, where the mapping wants them empty instead of the row rejected: how many
-- rows that have no other fault of their own, by column. unusable_*.sql take the values away then, and the faults with them.
-- parameters: source, file, columns
create or replace temp table unusable as
select column_name, list_sum(list_transform(places, lambda place: 1::ubigint << place))::ubigint as bits
from (
    values
        ('bookings', 'booked_at', [6, 38]),
        ('bookings', 'ends_at', [7, 8, 39]),
        ('bookings', 'cancelled_at', [9, 40]),
        ('bookings', 'birth_date', [10, 41]),
        ('bookings', 'age', [11, 42]),
        ('bookings', 'sex', [12, 43]),
        ('bookings', 'indication', [13, 44]),
        ('bookings', 'provider', [14, 45]),
        ('bookings', 'supervision', [15, 46]),
        ('bookings', 'mental_health_provider', [16, 47]),
        ('bookings', 'channel', [17, 48]),
        ('bookings', 'chair_minutes', [18, 49]),
        ('bookings', 'price', [19, 50]),
        ('bookings', 'side_effects_assessed', [20, 51]),
        ('bookings', 'dose_mg', [21, 52]),
        ('side_effects', 'severity', [3, 35]),
        ('side_effects', 'serious', [4, 36]),
        ('side_effects', 'related', [5, 37]),
        ('side_effects', 'onset_at', [6, 38]),
        ('side_effects', 'resolved_at', [7, 8, 39]),
        ('side_effects', 'outcome', [9, 40]),
        ('side_effects', 'action', [10, 41]),
        ('payments', 'method', [5, 38]),
        ('payments', 'site', [6, 39])
) as known (source, column_name, places)
where source = $source and list_contains($columns::varchar[], column_name);

insert into emptied
select $file::uinteger, column_name, count(*)
from query_table('read_' || $source), unusable
where file = $file and is_faulty(faults) and faults & bits <> 0 and usable(faults) = 0
group by column_name
