-- Tables that speak of the delivery.
delete from extract.rejects;
insert into extract.rejects select * from rejects;
delete from extract.left_out;
insert into extract.left_out select * from left_out;
drop table extract.sources;
drop table extract.resources;
drop table extract.calendar;
drop table extract.extract_info;
drop table extract.gaps;
drop table extract.late_forms;
drop table extract.oddities
