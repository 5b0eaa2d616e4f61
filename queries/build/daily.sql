-- Additive counts and sums of bookings by day; what became of them stands side by side, so that a page adds up
-- columns instead of telling rows apart.
-- grain: starts_on × site × line × service × band
create table daily as
with told as (
    select
        bookings.*,
        status = 'completed' as took_place,
        status = 'completed' and price_cents is not null as invoiced,
        coalesce(list_price_cents, price_cents) as listed_cents,
        coalesce(price_cents, list_price_cents) as worth_cents
    from bookings
    left join service_prices as prices
        on prices.service = bookings.service and bookings.starts_on between prices.from_on and prices.until_on
)
select
    starts_on,
    site,
    line,
    service,
    band,
    cast(count(*) as bigint) as bookings,
    cast(count(*) filter (where status = 'booked') as bigint) as booked,
    cast(count(*) filter (where status = 'arrived') as bigint) as arrived,
    cast(count(*) filter (where took_place) as bigint) as completed,
    cast(count(*) filter (where status = 'cancelled') as bigint) as cancelled,
    cast(count(*) filter (where status = 'late_cancelled') as bigint) as late_cancelled,
    cast(count(*) filter (where status = 'no_show') as bigint) as no_show,
    cast(count(*) filter (where is_new) as bigint) as new_patients,
    cast(coalesce(sum(chair_minutes) filter (where status in ('arrived', 'completed')), 0) as bigint) as used_minutes,
    cast(coalesce(sum(chair_minutes) filter (where status not in ('cancelled', 'late_cancelled')), 0) as bigint)
        as scheduled_minutes,
    cast(count(*) filter (where invoiced) as bigint) as invoices,
    cast(coalesce(sum(price_cents) filter (where invoiced), 0) as bigint) as invoiced_cents,
    cast(coalesce(sum(listed_cents) filter (where invoiced), 0) as bigint) as listed_cents,
    cast(coalesce(sum(chair_minutes) filter (where invoiced), 0) as bigint) as invoiced_minutes,
    cast(coalesce(sum(worth_cents) filter (where status = 'no_show'), 0) as bigint) as no_show_cents,
    cast(coalesce(sum(worth_cents) filter (where status = 'cancelled'), 0) as bigint) as cancelled_cents,
    cast(coalesce(sum(worth_cents) filter (where status = 'late_cancelled'), 0) as bigint) as late_cancelled_cents,
    cast(count(*) filter (where took_place and assessed) as bigint) as assessed,
    cast(count(*) filter (where took_place and has_effect) as bigint) as with_effect,
    cast(count(*) filter (where took_place and has_serious) as bigint) as with_serious,
    cast(count(*) filter (where took_place and has_severe) as bigint) as with_severe,
    cast(count(*) filter (where took_place and supervision = 'anesthesiologist') as bigint)
        as supervised_anesthesiologist,
    cast(count(*) filter (where took_place and supervision = 'physician') as bigint) as supervised_physician,
    cast(count(*) filter (where took_place and supervision = 'other') as bigint) as supervised_other,
    cast(count(*) filter (where took_place and supervision = 'none') as bigint) as supervised_none,
    cast(count(*) filter (where took_place and supervision = 'not_recorded') as bigint) as supervised_not_recorded
from told
group by starts_on, site, line, service, band
order by starts_on, site, line, service, band
