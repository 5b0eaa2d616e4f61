-- Inductions near their day 28 that have fewer than six infusions done and booked by it.
-- A course is at the site of its first infusion; infusions count at whichever site, as in courses.
-- grain: patient; booking_id is their latest ketamine visit at that site
-- parameters: sites, until (the last full day: what is done by then), near (days to day 28)
-- serves: worklists
with near as (
    select patient, site, first_on, first_on + 28 as day_28
    from courses
    where first_on between $until::date - 27 and $until::date + $near::integer - 28
        and first_on <= $until
        and list_contains($sites::site[], site)
),
counted as (
    select
        near.patient,
        count(*) filter (where starts_on <= $until and status = 'completed')::bigint as done,
        count(*) filter (
            where starts_on > $until and starts_on <= day_28 and status in ('booked', 'arrived', 'completed')
        )::bigint as ahead,
        max_by(booking_id, struct_pack(starts_at := starts_at, booking_id := booking_id)) filter (
            where starts_on <= $until and status = 'completed' and bookings.site = near.site
        ) as booking_id
    from near
    inner join bookings on bookings.patient = near.patient and bookings.starts_on between first_on and day_28
    where bookings.starts_on between $until::date - 27 and $until::date + $near::integer
        and line = 'ketamine'
    group by near.patient
)
select
    near.site,
    booking_id,
    near.patient::varchar as patient,
    first_on,
    day_28,
    date_diff('day', $until::date, day_28)::bigint as days_left,
    done,
    ahead,
    6 - done - ahead as short
from near
inner join counted on counted.patient = near.patient
where done + ahead < 6
order by days_left, short desc, near.site, near.patient
