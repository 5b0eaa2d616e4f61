-- Payments by the day that they were made and by the visit that they are for.
-- grain: paid_on × site × kind × method × service × visit_site × starts_on × invoiced; the last four as in payments
create table daily_payments as
select
    paid_on,
    site,
    kind,
    method,
    line,
    service,
    visit_site,
    starts_on,
    invoiced,
    cast(count(*) as bigint) as payments,
    cast(sum(amount_cents) as bigint) as amount_cents
from payments
group by paid_on, site, kind, method, line, service, visit_site, starts_on, invoiced
order by paid_on, site, kind, method, line, service, visit_site, starts_on, invoiced
