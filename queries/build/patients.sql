-- Patient numbers: the first 60 bits of HMAC-SHA256 of the delivered id.
-- parameters: inner, outer (the key, padded to 64 bytes and combined with HMAC's two constants)
create table staged.patients as
with ids as (
    select patient_id from read_bookings where faults = 0
    union
    select patient_id from read_payments where faults = 0
    union
    select patient_id from read_scores where faults = 0
)
select
    patient_id,
    ('0x' || left(sha256($outer || unhex(sha256($inner || encode(patient_id)))), 15))::bigint as patient
from ids
