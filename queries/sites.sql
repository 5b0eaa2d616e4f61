-- The sites, in the order of the reference table.
-- sites: none
-- serves: account
select site::varchar as site, name, city, timezone from sites order by position
