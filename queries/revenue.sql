-- What was invoiced, by service date: completed visits with a price.
-- grain: one row for each combination of period, site, line, service in $by
-- parameters: start, end, sites, lines, by, grain
-- serves: revenue
select
    case
        when not list_contains($by, 'period') then null
        when $grain = 'week' then date_trunc('week', starts_on)::date
        when $grain = 'month' then date_trunc('month', starts_on)::date
        else starts_on
    end as period,
    case when list_contains($by, 'site') then site end as site,
    case when list_contains($by, 'line') then bookings.line end as line,
    case when list_contains($by, 'service') then bookings.service end as service,
    coalesce(sum(price_cents), 0)::bigint as invoiced_cents,
    coalesce(sum(coalesce(list_price_cents, price_cents) - price_cents), 0)::bigint as discount_cents,
    coalesce(sum(price_cents - coalesce(settled_cents, 0)), 0)::bigint as outstanding_cents,
    count(*)::bigint as visits,
    coalesce(sum(chair_minutes), 0)::bigint as chair_minutes
from bookings
left join services on services.service = bookings.service
left join (
    select booking_id, sum(amount_cents) as settled_cents
    from payments
    where booking_id is not null and kind in ('payment', 'package_redemption')
    group by booking_id
) as settled using (booking_id)
where status = 'completed'
    and price_cents is not null
    and starts_on between $start and $end
    and site = any($sites::site[])
    and bookings.line = any($lines::line[])
group by all
order by all
