-- The rows of the extract as if it were the last file of the delivery: of several rows with one id that fit the first
-- counts, which is the one that was delivered last: now, or else the one that waits. Ids of patients are not known any
-- more; what stands for them begins with a character that no delivered id has.
-- parameters: file (the number of its bookings; side effects, payments and scores follow)
insert into patients
select distinct chr(0) || patient, patient
from (
    select patient from before.bookings
    union all
    select patient from before.payments
    union all
    select patient from before.scores
    union all
    select patient from lent
    union all
    select patient from extract.waiting_payments
    union all
    select patient from extract.waiting_scores
);

insert into read_bookings by name
select
    $file as file, 0 as faults, booking_id, chr(0) || patient as patient_id, site, service, status, starts_at,
    ends_at, cancelled_at, booked_on, instant_of(starts_at, utc_offset) as starts_instant, age, sex, indication,
    provider, supervision, mental_health_provider, channel, chair_minutes, price_cents, assessed, dose_mg
from (
    select * from before.bookings
    union all
    select * from lent
);

insert into earlier_terms
select as_term(effect::varchar), name
from extract.effects
where effect::varchar not in (select effect from reference_effects);

insert into read_side_effects by name
select $file + 1 as file, 0 as faults, * exclude (spelling), spelling as effect
from extract.waiting_side_effects
order by rowid;

insert into read_side_effects by name
select
    $file + 1 as file, 0 as faults, event_id, booking_id, as_term(effect::varchar) as term, severity, serious, related,
    if(onset_offset is null, onset_at, null) as onset_local, instant_of(onset_at, onset_offset) as onset_instant,
    if(resolved_offset is null, resolved_at, null) as resolved_local,
    instant_of(resolved_at, resolved_offset) as resolved_instant, outcome, action, earlier.spelling as effect
from before.side_effects
left join earlier_terms as earlier on earlier.term = as_term(effect::varchar)
order by before.side_effects.rowid;

insert into read_payments by name
select $file + 2 as file, 0 as faults, chr(0) || patient as patient_id, * exclude (patient)
from extract.waiting_payments
order by rowid;

insert into read_payments by name
select
    $file + 2 as file, 0 as faults, payment_id, chr(0) || patient as patient_id, booking_id,
    if(site_given, site, null) as site, if(paid_offset is null, paid_at, null) as paid_local,
    instant_of(paid_at, paid_offset) as paid_instant, kind, method, amount_cents
from before.payments;

insert into read_scores by name
select $file + 3 as file, 0 as faults, chr(0) || patient as patient_id, * exclude (patient)
from extract.waiting_scores
order by rowid;

insert into read_scores by name
select
    $file + 3 as file, 0 as faults, score_id, chr(0) || patient as patient_id, instrument,
    if(taken_offset is null, taken_at, null) as taken_local, instant_of(taken_at, taken_offset) as taken_instant, score
from before.scores
