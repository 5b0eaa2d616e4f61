-- One row a payment, refund or package movement, for the row-level file. net: what it adds to what was paid.
-- parameters: start, end, sites, lines, every_line (whether what belongs to no visit is asked for too),
--   methods (empty: all; 'not recorded' is what a payment without any has),
--   dated (payment or service: which date the period is of; what belongs to no visit has no service date)
-- serves: payment_rows
select
    payment_id, payments.patient, booking_id, payments.site, payments.line, paid_at, bookings.starts_on, kind, method,
    (amount_cents::decimal(15, 0) * 0.01::decimal(2, 2))::decimal(18, 2) as amount,
    case
        when kind in ('payment', 'package_sale') then amount
        when kind = 'refund' then -amount
        else 0
    end::decimal(18, 2) as net
from payments
left join bookings using (booking_id)
where case when $dated = 'service' then bookings.starts_on else paid_on end between $start and $end
    and payments.site = any($sites::site[])
    and (len($methods::varchar[]) = 0 or coalesce(method, 'not recorded') = any($methods::varchar[]))
    and (payments.line = any($lines::line[]) or ($every_line and payments.line is null))
order by paid_at, payment_id
