-- Slots for the no-show rate "÷ slots" (dashboard/no_shows.py), by whichever of period and site $by names: as many
-- of the shortest usual visits as the chairs hold in the opening hours of days that are over, or the past
-- appointments of the day where those are more, so that no day has more no-shows than slots.
-- parameters: start, end, sites, by, grain, until (the last full day)
-- serves: today bookings age_groups
with taken as (
    select
        starts_on,
        site,
        sum(arrived + completed + no_show) as appointments
    from daily
    where starts_on between $start and $end
        and list_contains($sites::site[], site)
    group by all
),
held as (
    select
        date,
        week,
        month,
        calendar.site,
        greatest(case when date > $until::date then 0 else slots end, appointments, 0) as slots
    from calendar
    left join taken on taken.site = calendar.site and taken.starts_on = date
    where date between $start and $end
        and list_contains($sites::site[], calendar.site)
)
select
    case
        when not list_contains($by, 'period') then null
        when $grain = 'week' then week
        when $grain = 'month' then month
        else date
    end as period,
    case when list_contains($by, 'site') then site end as site,
    sum(slots)::bigint as slots
from held
group by all
order by all
