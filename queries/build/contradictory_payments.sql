-- Payments that are sound in themselves and don't fit the bookings or one another.
insert into late_rejects
with firsts as (
    select payment_id, min(rowid) as row from read_payments where faults = 0 group by payment_id having count(*) > 1
),
matched as (
    select
        read.rowid as row,
        read.payment_id,
        read.booking_id,
        read.booking_id is not null and kept.booking_id is null as orphan,
        coalesce(read.site, kept.site, patient_firsts.site) is null as nowhere
    from read_payments as read
    inner join patients on patients.patient_id = read.patient_id
    left join kept_bookings as kept on kept.booking_id = read.booking_id
    left join patient_firsts on patient_firsts.patient = patients.patient
    where read.faults = 0
)
select 'payments', matched.row, 'payment_id', payment_id, 'is a duplicate; the first row with it is kept'
from matched
inner join firsts using (payment_id)
where matched.row <> firsts.row
union all
select 'payments', row, 'booking_id', booking_id, 'is not among the accepted bookings'
from matched
where orphan
union all
select
    'payments', row, 'site', null,
    'is not known: the patient has no accepted booking; add the column site, or the booking_id'
from matched
where nowhere and not orphan
