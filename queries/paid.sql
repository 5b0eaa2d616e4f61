-- What was paid, by payment date, net of refunds: payments and packages sold less refunds; package movements beside it.
-- grain: one row for each combination of period, site, line, method in $by; line is null where the payment
--   names none, and such a method is called 'not recorded'
-- parameters: start, end, sites, lines, every_line (whether what belongs to no visit is asked for too), by, grain
-- serves: revenue
select
    case when list_contains($by, 'period') then date_trunc($grain, paid_on)::date end as period,
    case when list_contains($by, 'site') then site end as site,
    case when list_contains($by, 'line') then line end as line,
    case when list_contains($by, 'method') then coalesce(method, 'not recorded') end as method,
    coalesce(sum(amount_cents) filter (where kind = 'payment'), 0)::bigint as payment_cents,
    coalesce(sum(amount_cents) filter (where kind = 'package_sale'), 0)::bigint as sold_cents,
    coalesce(sum(amount_cents) filter (where kind = 'refund'), 0)::bigint as refund_cents,
    coalesce(sum(case kind when 'refund' then -amount_cents else amount_cents end), 0)::bigint as paid_cents
from daily_payments
where paid_on between $start and $end
    and kind in ('payment', 'package_sale', 'refund')
    and list_contains($sites::site[], site)
    and (list_contains($lines::line[], line) or ($every_line and line is null))
group by all
order by all
