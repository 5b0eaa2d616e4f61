-- What the extract says of itself and its reference tables, before the delivery's take their place.
create table before.extract_info as select * from extract.extract_info;
create table before.sites as select * from extract.sites;
create table before.site_hours as select * from extract.site_hours;
create table before.closures as select * from extract.closures;
create table before.services as select * from extract.services;
create table before.service_prices as select * from extract.service_prices;
create table before.effects as select * from extract.effects;
create table before.age_bands as select * from extract.age_bands
