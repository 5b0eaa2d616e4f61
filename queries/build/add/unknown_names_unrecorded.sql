-- An extract of before they were kept says nothing of the sites and services that rows named and the reference tables
-- lacked: there may be any number.
create table before.unknown_names as
select 'bookings' as source, unnest(['site', 'service']) as column_name, null::varchar as name, null::bigint as rows
