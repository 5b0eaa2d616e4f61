-- The reference tables as used, in the order of their files. sites and services have one row a key, to be joined by it;
-- site_hours and service_prices are joined by key and day.
create table sites as
select site::site as site, name, city, timezone, position
from reference_sites
order by position;

create table site_hours as
select site::site as site, from_on, until_on, chairs, opens, closes, open_days
from reference_site_hours
order by site, from_on;

create table closures as
select site::site as site, closed_on
from reference_closures
order by site, closed_on;

create table services as
select service::service as service, name, line::line as line, position
from reference_services
order by position;

create table service_prices as
select service::service as service, from_on, until_on, minutes, list_price_cents
from reference_service_prices
order by service, from_on;

create table age_bands as
select band::band as band, "group", from_age, to_age, position
from reference_age_bands
order by position
