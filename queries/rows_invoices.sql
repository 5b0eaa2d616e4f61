-- One row a completed visit with a price, and all that was paid, redeemed and refunded on it up to the extract.
-- grain: booking_id
-- parameters: start, end, sites, lines
-- serves: payment_rows
with settled as (
    select
        booking_id,
        coalesce(sum(amount_cents) filter (where kind = 'payment'), 0)::bigint as paid_cents,
        coalesce(sum(amount_cents) filter (where kind = 'package_redemption'), 0)::bigint as redeemed_cents,
        coalesce(sum(amount_cents) filter (where kind = 'refund'), 0)::bigint as refunded_cents,
        max(paid_on) filter (where kind in ('payment', 'package_redemption')) as last_paid_on
    from payments
    where booking_id is not null
    group by booking_id
),
invoices as (
    select
        bookings.*,
        coalesce(list_price_cents, price_cents) as list_cents,
        coalesce(paid_cents, 0) as paid_cents,
        coalesce(redeemed_cents, 0) as redeemed_cents,
        coalesce(refunded_cents, 0) as refunded_cents,
        last_paid_on
    from bookings
    left join settled using (booking_id)
    left join service_prices as prices
        on prices.service = bookings.service and bookings.starts_on between prices.from_on and prices.until_on
    where status = 'completed'
        and price_cents is not null
        and starts_on between $start and $end
        and list_contains($sites::site[], bookings.site)
        and list_contains($lines::line[], bookings.line)
)
select
    booking_id, patient, site, service, line, starts_on,
    (list_cents * 0.01::decimal(2, 2))::decimal(18, 2) as list_price,
    ((list_cents - price_cents) * 0.01::decimal(2, 2))::decimal(18, 2) as discount,
    (price_cents * 0.01::decimal(2, 2))::decimal(18, 2) as invoiced,
    (paid_cents * 0.01::decimal(2, 2))::decimal(18, 2) as paid,
    (redeemed_cents * 0.01::decimal(2, 2))::decimal(18, 2) as redeemed,
    (refunded_cents * 0.01::decimal(2, 2))::decimal(18, 2) as refunded,
    -- What was given back isn't owed again: a refund takes the charge back with the money.
    ((price_cents - paid_cents - redeemed_cents) * 0.01::decimal(2, 2))::decimal(18, 2) as outstanding,
    last_paid_on
from invoices
order by starts_on, site, booking_id
