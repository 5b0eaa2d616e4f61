-- Where a patient was first, and of patients with scores who were at several sites, where on each day with a booking.
create temp table patient_firsts as
select
    patient,
    min_by(site, epoch(starts_at)::hugeint * 4294967296 + row) as site,
    min(site) <> max(site) as several
from kept_bookings
group by patient;

create temp table patient_days as
select patient, starts_on, max_by(site, epoch(starts_at)::hugeint * 4294967296 + row) as site
from kept_bookings
where
    patient in (
        select firsts.patient
        from read_scores as read
        inner join patients on patients.patient_id = read.patient_id
        inner join patient_firsts as firsts on firsts.patient = patients.patient
        where firsts.several
    )
group by patient, starts_on
