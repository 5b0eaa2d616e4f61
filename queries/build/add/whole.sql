-- Rows that wait, and what speaks of the delivery.
delete from extract.waiting_side_effects;
insert into extract.waiting_side_effects by name select * from waiting_side_effects;
delete from extract.waiting_payments;
insert into extract.waiting_payments by name select * from waiting_payments;
delete from extract.waiting_scores;
insert into extract.waiting_scores by name select * from waiting_scores;
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
drop table extract.worklist_inductions;
drop table extract.worklist_boosters;
drop table extract.worklist_scores;
drop table extract.worklist_no_shows;
drop table extract.worklist_forms;
drop table extract.oddities
