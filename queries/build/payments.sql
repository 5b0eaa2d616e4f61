-- The accepted payments with what is asked of their visits, sorted by local date, then site.
create table payments (
    payment_id varchar using compression uncompressed, patient bigint,
    booking_id varchar using compression uncompressed, site site, line line, service service, visit_site site,
    starts_on date, invoiced boolean, paid_at timestamp, paid_on date, kind varchar, method varchar,
    amount_cents bigint, site_given boolean, paid_offset smallint
);

insert into payments by name
select
    payment_id,
    patient,
    booking_id,
    placed.site,
    line,
    service,
    visit_site,
    starts_on,
    coalesce(invoiced, false) as invoiced,
    coalesce(paid_local, timezone(timezone, paid_instant)) as paid_at,
    coalesce(paid_local, timezone(timezone, paid_instant))::date as paid_on,
    kind,
    method,
    amount_cents,
    site_given,
    offset_of(timezone(timezone, paid_instant), paid_instant) as paid_offset
from placed_payments as placed
inner join reference_sites as sites on sites.site::site = placed.site
where not exists (
    select 1 from late_rejects as late where late.source = 'payments' and late.row = placed.row
)
order by paid_on, placed.site, paid_at, row;

-- Its memory is needed for what follows.
drop table placed_payments
