-- Completed infusions and after how many the patient came back to the site for another of the same service line
-- within 60 days: of every infusion where effect is null, else of those with that side effect, with any of them or
-- with any serious one. No term of a side effect has a blank in it.
-- grain: starts_on × site × line × band × effect VARCHAR (null, `any effect`, `any serious` or a term)
create table daily_returns as
with followed as (
    select *, coalesce(date_diff('day', starts_on, next_on) <= 60, false) as returned
    from bookings
    where status = 'completed'
),
named as (
    select starts_on, site, line, band, cast(null as varchar) as effect, returned from followed
    union all
    select starts_on, site, line, band, 'any effect', returned from followed where has_effect
    union all
    select starts_on, site, line, band, 'any serious', returned from followed where has_serious
    union all
    select followed.starts_on, followed.site, followed.line, followed.band, cast(effect as varchar), returned
    from side_effects
    inner join followed on followed.booking_id = side_effects.booking_id and followed.has_effect
    where first_of_kind
)
select
    starts_on,
    site,
    line,
    band,
    effect,
    cast(count(*) as bigint) as infusions,
    cast(count(*) filter (where returned) as bigint) as returned
from named
group by starts_on, site, line, band, effect
order by starts_on, site, line, band, effect
