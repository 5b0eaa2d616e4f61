-- The reference tables of the delivery in place of those of the extract; age bands are the same.
delete from extract.sites;
insert into extract.sites by name select * from sites order by position;
delete from extract.site_hours;
insert into extract.site_hours by name select * from site_hours order by site, from_on;
delete from extract.closures;
insert into extract.closures by name select * from closures order by site, closed_on;
delete from extract.services;
insert into extract.services by name select * from services order by position;
delete from extract.service_prices;
insert into extract.service_prices by name select * from service_prices order by service, from_on
