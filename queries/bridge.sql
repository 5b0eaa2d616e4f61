-- From what was invoiced in a period (by service date) to what was paid in it (by payment date), item by item.
-- grain: site
-- An invoice of a later service date is none yet: what was paid on it is an advance.
-- Between sites: taken in the period for others less taken by others; over all sites it comes to nothing.
-- parameters: start, end, sites
-- serves: revenue
with money as (
    select
        site as at_site,
        kind,
        paid_on,
        amount_cents as cents,
        case when invoiced and starts_on <= $end then visit_site end as for_site,
        case when invoiced and starts_on <= $end then starts_on end as starts_on
    from daily_payments
    where paid_on <= $end
),
sites_asked as (
    select site from sites where list_contains($sites::site[], site::site)
),
invoiced as (
    select site, sum(invoiced_cents) as cents from daily where starts_on between $start and $end group by site
),
-- What was paid on visits up to the period's end, by the visit's site, whichever site took it.
settled as (
    select
        for_site as site,
        coalesce(sum(cents) filter (where kind = 'payment' and starts_on >= $start), 0) as paid,
        coalesce(sum(cents) filter (where kind = 'package_redemption' and starts_on >= $start), 0) as redeemed,
        coalesce(sum(cents) filter (where kind = 'payment' and starts_on >= $start and paid_on < $start), 0) as prepaid,
        coalesce(sum(cents) filter (where kind = 'payment' and starts_on < $start and paid_on >= $start), 0) as earlier,
        coalesce(sum(cents) filter (where kind = 'payment' and at_site <> for_site and paid_on >= $start), 0) as elsewhere
    from money
    where starts_on >= $start or paid_on >= $start
    group by for_site
),
-- What came in during the period, by the site that took it.
received as (
    select
        at_site as site,
        coalesce(sum(cents) filter (where kind = 'payment'), 0) as payments,
        coalesce(sum(cents) filter (where kind = 'payment' and for_site <> at_site), 0) as for_others,
        coalesce(sum(cents) filter (where kind = 'payment' and for_site is null), 0) as advance,
        coalesce(sum(cents) filter (where kind = 'refund'), 0) as refunds,
        coalesce(sum(cents) filter (where kind = 'package_sale'), 0) as sold
    from money
    where paid_on >= $start
    group by at_site
)
select
    sites_asked.site::varchar as site,
    coalesce(invoiced.cents, 0)::bigint as invoiced_cents,
    -(coalesce(invoiced.cents, 0) - coalesce(paid, 0) - coalesce(redeemed, 0))::bigint as unpaid_cents,
    -coalesce(redeemed, 0)::bigint as redeemed_cents,
    -coalesce(prepaid, 0)::bigint as prepaid_cents,
    (coalesce(for_others, 0) - coalesce(elsewhere, 0))::bigint as other_site_cents,
    coalesce(earlier, 0)::bigint as earlier_cents,
    coalesce(advance, 0)::bigint as advance_cents,
    -coalesce(refunds, 0)::bigint as refund_cents,
    coalesce(sold, 0)::bigint as sold_cents,
    (coalesce(payments, 0) - coalesce(refunds, 0) + coalesce(sold, 0))::bigint as paid_cents
from sites_asked
left join invoiced on invoiced.site = sites_asked.site::site
left join settled on settled.site = sites_asked.site::site
left join received on received.site = sites_asked.site::site
order by sites_asked.site
