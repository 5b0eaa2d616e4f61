-- Payments that are sound in themselves, with their sites; those that don't fit the bookings or one another are rejected.
-- The payments are passed by the bookings and not the other way round: they stay in order, which sorts faster, and few
-- columns are held instead of all.
set disabled_optimizers = 'in_clause,build_side_probe_side';

create table staged.placed_payments as
select
    read.rowid as row,
    read.payment_id,
    patients.patient,
    read.booking_id,
    read.booking_id is not null and kept.booking_id is null as orphan,
    coalesce(read.site, kept.site, patient_firsts.site) as site,
    read.site is not null as site_given,
    kept.line,
    kept.service,
    kept.site as visit_site,
    kept.starts_on,
    kept.invoiced,
    read.paid_local,
    read.paid_instant,
    read.kind,
    read.method,
    read.amount_cents
from read_payments as read
inner join patients on patients.patient_id = read.patient_id
left join kept_bookings as kept on kept.booking_id = read.booking_id
left join patient_firsts on patient_firsts.patient = patients.patient
where read.faults = 0;

set disabled_optimizers = 'in_clause';

insert into late_rejects
with firsts as (
    select payment_id, min(row) filter (where not orphan and site is not null) as row
    from placed_payments
    group by payment_id
    having count(*) > 1
)
select 'payments', placed.row, 'payment_id', payment_id, 'is a duplicate; the first row with it is kept'
from placed_payments as placed
inner join firsts using (payment_id)
where placed.row > firsts.row
union all
select 'payments', row, 'booking_id', booking_id, 'is not among the accepted bookings'
from placed_payments
where orphan
union all
select
    'payments', row, 'site', null,
    'is not known: the patient has no accepted booking; write patient_id as the bookings do (007 is not 7), or add the column site, or the booking_id'
from placed_payments
where site is null and not orphan;

-- Those that a later delivery may fit: they wait, and are tried again when something is added; the same row once.
create table waiting_payments as
select
    payment_id, patient, booking_id, site, paid_local, paid_instant, kind, method, amount_cents
from read_payments as read
inner join patients on patients.patient_id = read.patient_id
where faults = 0 and waits('payments', read.rowid)
group by all
order by min(read.rowid);

-- Its memory is needed for what follows.
drop table read_payments
