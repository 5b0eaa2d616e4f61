-- One row a payment, refund or package movement, for the row-level file, in the order of the extract: by date, site and
-- time, so that nothing has to be held back for sorting. net: what it adds to what was paid.
-- parameters: start, end, sites, lines, every_line (whether what belongs to no visit is asked for too),
--   methods (empty: all; 'not recorded' is what a payment without any has),
--   dated (payment or service: which date the period is of; what belongs to no visit has no service date)
-- serves: payment_rows
-- order: paid_on site paid_at payment_id
select
    payment_id, patient, booking_id, site, line, paid_at, starts_on, kind, method,
    (amount_cents::decimal(15, 0) * 0.01::decimal(2, 2))::decimal(18, 2) as amount,
    case
        when kind in ('payment', 'package_sale') then amount
        when kind = 'refund' then -amount
        else 0
    end::decimal(18, 2) as net
from payments
where case when $dated = 'service' then starts_on else paid_on end between $start and $end
    and list_contains($sites::site[], site)
    and (array_length($methods::varchar[]) = 0 or list_contains($methods::varchar[], coalesce(method, 'not recorded')))
    and (list_contains($lines::line[], line) or ($every_line and line is null))
