-- Sites, services and closures of the extract before, which is attached as `before`, with the days of each row.
create temp table sites_before as
select
    sites.site::varchar as site, name, city, timezone, from_on, until_on, chairs, opens, closes, open_days
from before.sites as sites
inner join before.site_hours as hours on hours.site = sites.site;

create temp table services_before as
select services.service::varchar as service, name, line::varchar as line, from_on, until_on, minutes, list_price_cents
from before.services as services
inner join before.service_prices as prices on prices.service = services.service;

create temp table closures_before as
select site::varchar as site, closed_on from before.closures
