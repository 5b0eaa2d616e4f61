-- Sites and services that rows of earlier deliveries named and the reference tables lacked.
create table before.unknown_names as select * from extract.unknown_names
