-- As unusable_bookings.sql, of payments.
-- parameters: file, columns
create or replace temp table unusable as
select column_name, list_sum(list_transform(places, lambda place: 1::ubigint << place))::ubigint as bits
from (values ('method', [5, 38]), ('site', [6, 39])) as known (column_name, places)
where list_contains($columns::varchar[], column_name);

insert into emptied
select $file::uinteger, column_name, count(*)
from read_payments, unusable
where file = $file and is_faulty(faults) and faults & bits <> 0 and usable(faults) = 0
group by column_name;

update read_payments
set method = if(is_unusable(faults, 'method'), null, method), faults = usable(faults)
where file = $file and is_faulty(faults)
