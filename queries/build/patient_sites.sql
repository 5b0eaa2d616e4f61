-- Where a patient was first, and where on each day with a booking, of patients with scores.
create temp table patient_firsts as
select patient, min_by(site, epoch(starts_at)::hugeint * 4294967296 + row) as site
from kept_bookings
group by patient;

create temp table patient_days as
select patient, starts_on, max_by(site, epoch(starts_at)::hugeint * 4294967296 + row) as site
from kept_bookings
where
    patient in (
        select patients.patient
        from read_scores as read
        inner join patients on patients.patient_id = read.patient_id
    )
group by patient, starts_on
