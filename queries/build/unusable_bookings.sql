-- Values of optional columns that cannot be used, where the mapping wants them empty instead of the row rejected: how many
-- rows that have no other fault of their own, by column; then the values are gone, and the faults with them.
-- parameters: file, columns
create or replace temp table unusable as
select column_name, list_sum(list_transform(places, lambda place: 1::ubigint << place))::ubigint as bits
from (
    values
        ('booked_at', [6, 38]), ('ends_at', [7, 8, 39]), ('cancelled_at', [9, 40]), ('birth_date', [10, 41]),
        ('age', [11, 42]), ('sex', [12, 43]), ('indication', [13, 44]), ('provider', [14, 45]),
        ('supervision', [15, 46]), ('mental_health_provider', [16, 47]), ('channel', [17, 48]),
        ('chair_minutes', [18, 49]), ('price', [19, 50]), ('side_effects_assessed', [20, 51]), ('dose_mg', [21, 52])
) as known (column_name, places)
where list_contains($columns::varchar[], column_name);

insert into emptied
select $file::uinteger, column_name, count(*)
from read_bookings, unusable
where file = $file and is_faulty(faults) and faults & bits <> 0 and usable(faults) = 0
group by column_name;

update read_bookings
set
    booked_on = if(is_unusable(faults, 'booked_at'), null, booked_on),
    ends_at = if(is_unusable(faults, 'ends_at'), null, ends_at),
    ends_instant = if(is_unusable(faults, 'ends_at'), null, ends_instant),
    cancelled_at = if(is_unusable(faults, 'cancelled_at'), null, cancelled_at),
    age = if(is_unusable(faults, 'birth_date'), null, age),
    sex = if(is_unusable(faults, 'sex'), null, sex),
    indication = if(is_unusable(faults, 'indication'), null, indication),
    provider = if(is_unusable(faults, 'provider'), null, provider),
    channel = if(is_unusable(faults, 'channel'), null, channel),
    chair_minutes = if(is_unusable(faults, 'chair_minutes'), null, chair_minutes),
    price_cents = if(is_unusable(faults, 'price'), null, price_cents),
    faults = usable(faults)
where file = $file and is_faulty(faults)
