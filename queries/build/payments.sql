-- The accepted payments, sorted by local date, then site.
create table payments as
with placed as (
    select
        read.rowid as row,
        read.payment_id,
        patients.patient,
        read.booking_id,
        coalesce(read.site, kept.site, patient_firsts.site) as site,
        kept.line,
        read.paid_local,
        read.paid_instant,
        read.kind,
        read.method,
        read.amount_cents
    from read_payments as read
    inner join patients on patients.patient_id = read.patient_id
    left join kept_bookings as kept on kept.booking_id = read.booking_id
    left join patient_firsts on patient_firsts.patient = patients.patient
    where
        read.faults = 0
        and not exists (
            select 1 from late_rejects as late where late.source = 'payments' and late.row = read.rowid
        )
)
select
    payment_id,
    patient,
    booking_id,
    placed.site,
    line,
    coalesce(paid_local, timezone(timezone, paid_instant)) as paid_at,
    coalesce(paid_local, timezone(timezone, paid_instant))::date as paid_on,
    kind,
    method,
    amount_cents
from placed
inner join reference_sites as sites on sites.site::site = placed.site
order by paid_on, placed.site, paid_at, row
