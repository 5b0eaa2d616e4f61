-- Every day of every site, the whole months from the first to the last booking.
-- A site is open from its first booking on: one that joined later, or of whose earlier days nothing is known, has no
-- chairs before. It is not open without chairs, nor on the days of closures.
-- slots: how many of the day's shortest usual visits its chairs hold one after another in the opening hours.
create table calendar as
with bounds as (
    select
        date_trunc('month', min(starts_on))::date as first_day,
        (date_trunc('month', max(starts_on)) + interval 1 month - interval 1 day)::date as last_day
    from bookings
),
days as (
    select unnest(generate_series(first_day::timestamp, last_day::timestamp, interval 1 day))::date as date from bounds
),
firsts as (
    select site, min(starts_on) as first_on from bookings group by site
),
shortest as (
    select date, min(minutes) as shortest
    from days
    inner join service_prices as prices on date between prices.from_on and prices.until_on
    group by date
),
hours as (
    select
        date,
        hours.site,
        chairs,
        coalesce(date >= first_on, false)
            and chairs > 0
            and list_contains(string_split(open_days, ' '), strftime(date, '%a'))
            and not exists (select 1 from closures where closures.site = hours.site and closed_on = date) as open,
        date_diff('minute', opens, closes) as minutes,
        shortest
    from days
    inner join shortest using (date)
    inner join site_hours as hours on date between hours.from_on and hours.until_on
    left join firsts on firsts.site = hours.site
)
select
    date,
    site,
    isodow(date)::utinyint as weekday,
    date_trunc('week', date)::date as week,
    date_trunc('month', date)::date as month,
    open,
    case when open then minutes else 0 end::integer as open_minutes,
    case when open then chairs * minutes else 0 end::integer as capacity_minutes,
    case when open then chairs * (minutes // shortest) else 0 end::integer as slots
from hours
order by date, site
