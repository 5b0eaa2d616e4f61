-- The services with their lines, in the order of the reference table.
-- sites: none
-- serves: account
select service::varchar as service, name, line::varchar as line from services order by position
