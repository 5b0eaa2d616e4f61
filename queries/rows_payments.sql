-- One row a payment, refund or package movement, for the row-level file. Period: payment date.
-- parameters: start, end, sites
-- serves: payment_rows
select
    payment_id, patient, booking_id, site::varchar as site, line::varchar as line, paid_at, kind, method,
    (amount_cents / 100)::decimal(18, 2) as amount
from payments
where paid_on between $start and $end
    and site = any($sites::site[])
order by paid_at, payment_id
