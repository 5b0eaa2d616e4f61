-- What was invoiced, by service date: completed visits with a price.
-- grain: one row for each combination of period, site, line, service in $by
-- parameters: start, end, sites, lines, by, grain, settled_by (the last day whose payments count as paid)
-- serves: revenue
with money as (
    select
        starts_on, site, line, service, invoiced_cents, listed_cents, invoices, invoiced_minutes, 0 as settled_cents
    from daily
    where invoices > 0
    union all
    select starts_on, visit_site, line, service, 0, 0, 0, 0, amount_cents
    from daily_payments
    where invoiced and paid_on <= $settled_by and kind in ('payment', 'package_redemption')
)
select
    case when list_contains($by, 'period') then date_trunc($grain, starts_on)::date end as period,
    case when list_contains($by, 'site') then site end as site,
    case when list_contains($by, 'line') then line end as line,
    case when list_contains($by, 'service') then service end as service,
    sum(invoiced_cents)::bigint as invoiced_cents,
    sum(listed_cents - invoiced_cents)::bigint as discount_cents,
    sum(invoiced_cents - settled_cents)::bigint as outstanding_cents,
    sum(invoices)::bigint as visits,
    sum(invoiced_minutes)::bigint as chair_minutes
from money
where starts_on between $start and $end
    and list_contains($sites::site[], site)
    and list_contains($lines::line[], line)
group by all
order by all
