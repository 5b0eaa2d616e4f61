-- Puts the rows that differ from those of the extract into it; the rest of its rows stays where it is.
create temp table come_bookings as
select * from bookings except select * from before.bookings;

create temp table come_side_effects as
select * from side_effects except select * from before.side_effects;

create temp table come_payments as
select * from payments except select * from before.payments;

create temp table come_scores as
select * from scores except select * from before.scores;

create temp table come_courses as
select * from courses except select * from before.courses;

create temp table gone_bookings as
select booking_id as id from (select * from before.bookings except select * from bookings);

create temp table gone_side_effects as
select event_id as id from (select * from before.side_effects except select * from side_effects);

create temp table gone_payments as
select payment_id as id from (select * from before.payments except select * from payments);

create temp table gone_scores as
select score_id as id from (select * from before.scores except select * from scores);

create temp table gone_courses as
select patient as id from (select * from before.courses except select * from courses);

delete from extract.bookings where booking_id in (select id from gone_bookings);
insert into extract.bookings by name
select * from come_bookings order by starts_on, site, starts_at, booking_id;

delete from extract.payments where payment_id in (select id from gone_payments);
insert into extract.payments by name
select * from come_payments order by paid_on, site, paid_at, payment_id;

delete from extract.scores where score_id in (select id from gone_scores);
insert into extract.scores by name
select * from come_scores order by taken_on, site, taken_at, score_id;

delete from extract.patients_apart where patient in (select patient from before.patients_apart);
insert into extract.patients_apart by name
select * from patients_apart order by starts_on, site, line, band, patient;

delete from extract.side_effects where event_id in (select id from gone_side_effects);

delete from extract.courses where patient in (select id from gone_courses);
insert into extract.courses by name
select * from come_courses order by first_on, site, patient
