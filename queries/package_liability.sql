-- What is owed to patients in packages: opening + sold - redeemed - refunded - expired = closing.
-- A refund that belongs to no visit is taken as one of a package.
-- grain: month × site, every month from that of start to that of end, whole months
-- parameters: start, end, sites
-- serves: revenue
with months as (
    select distinct date_trunc('month', date)::date as month, site
    from calendar
    where list_contains($sites::site[], site)
),
movements as (
    select
        date_trunc('month', paid_on)::date as month,
        site,
        coalesce(sum(amount_cents) filter (where kind = 'package_sale'), 0) as sold,
        coalesce(sum(amount_cents) filter (where kind = 'package_redemption'), 0) as redeemed,
        coalesce(sum(amount_cents) filter (where kind = 'refund' and line is null), 0) as refunded,
        coalesce(sum(amount_cents) filter (where kind = 'package_expiry'), 0) as expired
    from daily_payments
    where list_contains($sites::site[], site)
    group by all
),
filled as (
    select
        month,
        site,
        coalesce(sold, 0) as sold,
        coalesce(redeemed, 0) as redeemed,
        coalesce(refunded, 0) as refunded,
        coalesce(expired, 0) as expired
    from months
    full join movements using (month, site)
),
rolled as (
    select
        *,
        sum(sold - redeemed - refunded - expired) over (partition by site order by month) as closing,
        coalesce(
            sum(sold - redeemed - refunded - expired) over (
                partition by site order by month rows between unbounded preceding and 1 preceding
            ), 0
        ) as opening
    from filled
)
select
    month,
    site,
    (opening::decimal(15, 0) * 0.01::decimal(2, 2))::decimal(18, 2) as opening,
    (sold::decimal(15, 0) * 0.01::decimal(2, 2))::decimal(18, 2) as sold,
    (redeemed::decimal(15, 0) * 0.01::decimal(2, 2))::decimal(18, 2) as redeemed,
    (refunded::decimal(15, 0) * 0.01::decimal(2, 2))::decimal(18, 2) as refunded,
    (expired::decimal(15, 0) * 0.01::decimal(2, 2))::decimal(18, 2) as expired,
    (closing::decimal(15, 0) * 0.01::decimal(2, 2))::decimal(18, 2) as closing
from rolled
where month between date_trunc('month', $start::date) and $end
order by month, site
