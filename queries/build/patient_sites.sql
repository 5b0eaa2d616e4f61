-- Where a patient was first, and of patients with scores who were at several sites, where on each day with a booking.
-- Of several at one time the first by id, so that the order of the files makes no difference.
create table staged.patient_firsts as
with bounds as (
    select patient, min(starts_at) as starts_at, min(site) <> max(site) as several
    from kept_bookings
    group by patient
)
select patient, min_by(kept.site, kept.booking_id) as site, any_value(several) as several
from kept_bookings as kept
inner join bounds using (patient, starts_at)
group by patient;

create table staged.patient_days as
select patient, starts_on, max_by(site, struct_pack(starts_at := starts_at, booking_id := booking_id)) as site
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
