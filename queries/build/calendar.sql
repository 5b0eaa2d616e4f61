-- Every day of every site, the whole months from the first to the last booking.
-- A site is open from its first booking on: one that joined later, or of whose earlier days nothing is known, has no
-- chairs before.
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
hours as (
    select
        date,
        sites.site,
        chairs,
        coalesce(date >= first_on, false)
            and list_contains(string_split(open_days, ' '), strftime(date, '%a')) as open,
        date_diff('minute', opens, closes) as minutes
    from days
    cross join sites
    left join firsts on firsts.site = sites.site
)
select
    date,
    site,
    isodow(date)::utinyint as weekday,
    date_trunc('week', date)::date as week,
    date_trunc('month', date)::date as month,
    open,
    case when open then minutes else 0 end::integer as open_minutes,
    case when open then chairs * minutes else 0 end::integer as capacity_minutes
from hours
order by date, site
