-- Where a patient was on each day with a booking, and where first.
create temp table patient_days as
select patient, starts_on, max_by(site, (starts_at, booking_id)) as site from bookings group by all;

create temp table patient_firsts as
select patient, min_by(site, (starts_at, booking_id)) as site from bookings group by all
