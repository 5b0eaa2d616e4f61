-- What a delivery that is added may change: the history of every patient whom its rows speak of, now or before.
-- The extract is attached as `extract`; what it says of these patients goes to `before`, which holds nothing yet.
create temp table affected as
with named as (
    select booking_id from read_bookings where faults = 0
    union
    select booking_id from read_side_effects where faults = 0
    union
    select booking_id from read_payments where faults = 0 and booking_id is not null
    union
    select booking_id from extract.waiting_side_effects
    union
    select booking_id from extract.waiting_payments where booking_id is not null
)
select patient from patients
union
select patient from extract.bookings where booking_id in (select booking_id from named)
union
select patient from extract.side_effects
where event_id in (select event_id from read_side_effects where faults = 0)
union
select patient from extract.payments
where payment_id in (select payment_id from read_payments where faults = 0)
union
select patient from extract.scores
where score_id in (select score_id from read_scores where faults = 0)
union
select patient from extract.waiting_payments
union
select patient from extract.waiting_scores
-- What waits is newer than what the extract has under its id, and takes its place once it fits.
union
select patient from extract.side_effects
where event_id in (select event_id from extract.waiting_side_effects)
union
select patient from extract.payments
where payment_id in (select payment_id from extract.waiting_payments)
union
select patient from extract.scores
where score_id in (select score_id from extract.waiting_scores);

create temp table place_bookings as
select rowid as place from extract.bookings where patient in (select patient from affected);

create temp table place_side_effects as
select rowid as place from extract.side_effects where patient in (select patient from affected);

create table before.bookings as
select * from extract.bookings where rowid in (select place from place_bookings) order by rowid;

create table before.side_effects as
select * from extract.side_effects where rowid in (select place from place_side_effects) order by rowid;

-- A payment may be for another patient's visit.
create temp table place_payments as
select rowid as place from extract.payments where patient in (select patient from affected)
union
select rowid from extract.payments where booking_id in (select booking_id from before.bookings);

create table before.payments as
select * from extract.payments where rowid in (select place from place_payments) order by rowid;

create temp table place_scores as
select rowid as place from extract.scores where patient in (select patient from affected);

create table before.scores as
select * from extract.scores where rowid in (select place from place_scores) order by rowid;

-- Bookings of others that payments of these patients are for: to place the payments, and for nothing else.
create temp table lent as
select * from extract.bookings
where
    booking_id in (select booking_id from before.payments)
    and patient not in (select patient from affected)
