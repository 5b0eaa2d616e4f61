-- The same of an extract of a version before 10, whose rows count for all days.
-- parameters: ever, forever
create temp table sites_before as
select
    site::varchar as site, name, city, timezone, $ever::date as from_on, $forever::date as until_on, chairs, opens,
    closes, open_days
from before.sites;

create temp table services_before as
select
    service::varchar as service, name, line::varchar as line, $ever::date as from_on, $forever::date as until_on,
    minutes, list_price_cents
from before.services;

create temp table closures_before (site varchar, closed_on date)
