-- The reference tables as used, in the order of their files.
create table sites as
select site::site as site, name, city, timezone, chairs, opens, closes, open_days, position
from reference_sites
order by position;

create table services as
select service::service as service, name, line::line as line, minutes, list_price_cents, position
from reference_services
order by position;

create table age_bands as
select band::band as band, "group", from_age, to_age, position
from reference_age_bands
order by position
