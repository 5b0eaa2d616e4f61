-- Additive counts and sums of bookings by day; what a completed visit needs is 0 elsewhere.
-- grain: starts_on × site × line × service × band × status
create table daily as
select
    starts_on,
    site,
    line,
    service,
    band,
    status,
    cast(count(*) as bigint) as bookings,
    cast(count(*) filter (where is_new) as bigint) as new_patients,
    cast(sum(chair_minutes) as bigint) as chair_minutes,
    cast(coalesce(sum(price_cents), 0) as bigint) as price_cents,
    cast(count(price_cents) as bigint) as priced,
    cast(count(*) filter (where status = 'completed') as bigint) as completed,
    cast(count(*) filter (where status = 'completed' and assessed) as bigint) as assessed,
    cast(count(*) filter (where status = 'completed' and has_effect) as bigint) as with_effect,
    cast(count(*) filter (where status = 'completed' and has_serious) as bigint) as with_serious,
    cast(count(*) filter (where status = 'completed' and has_severe) as bigint) as with_severe,
    cast(count(*) filter (where status = 'completed' and supervision = 'anesthesiologist') as bigint)
        as supervised_anesthesiologist,
    cast(count(*) filter (where status = 'completed' and supervision = 'physician') as bigint)
        as supervised_physician,
    cast(count(*) filter (where status = 'completed' and supervision = 'other') as bigint) as supervised_other,
    cast(count(*) filter (where status = 'completed' and supervision = 'none') as bigint) as supervised_none,
    cast(count(*) filter (where status = 'completed' and supervision = 'not_recorded') as bigint)
        as supervised_not_recorded
from bookings
group by starts_on, site, line, service, band, status
order by starts_on, site, line, service, band, status
