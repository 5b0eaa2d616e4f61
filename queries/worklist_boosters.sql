-- Patients past their induction who have no ketamine visit ahead and whose last infusion lies longer back than the
-- site's usual interval: the median of the days between its later infusions in the year up to then. A gap of more
-- than 60 days ends a course: whom no visit can keep in it any more isn't overdue.
-- grain: patient, at the site of the last infusion; booking_id is that infusion
-- parameters: sites, until (the last full day)
-- serves: worklists
with lasts as (
    select patient, max(starts_at) as last_at
    from bookings
    where starts_on between $until::date - 59 and $until::date
        and line = 'ketamine'
        and status = 'completed'
    group by patient
),
ahead as (
    select distinct patient
    from bookings
    where starts_on > $until and line = 'ketamine' and status in ('booked', 'arrived', 'completed')
),
gaps as (
    select
        site,
        days,
        sum(sum(infusions)) over (partition by site order by days) as reached,
        sum(sum(infusions)) over (partition by site) as every
    from infusion_gaps
    where phase = 'later'
        and starts_on between $until::date - 364 and $until::date
        and list_contains($sites::site[], site)
    group by site, days
),
usual as (
    select site, min(days) as usual_days
    from gaps
    where 2 * reached >= every
    group by site
),
due as (
    select lasts.patient, last_at
    from lasts
    inner join courses on courses.patient = lasts.patient
    where courses.first_on + 28 <= $until
        and not exists (select 1 from ahead where ahead.patient = lasts.patient)
),
-- Of two infusions at one time the last by id.
infusions as (
    select due.patient, max_by(site, booking_id) as site, max(booking_id) as booking_id, any_value(starts_on) as last_on
    from due
    inner join bookings on bookings.patient = due.patient and bookings.starts_at = due.last_at
    where starts_on between $until::date - 59 and $until::date
        and line = 'ketamine'
        and status = 'completed'
    group by due.patient
)
select
    infusions.site as site,
    booking_id,
    patient::varchar as patient,
    last_on,
    date_diff('day', last_on, $until::date)::bigint as days,
    usual_days::bigint as usual_days,
    (date_diff('day', last_on, $until::date) - usual_days)::bigint as overdue,
    last_on + 60 as ends_on
from infusions
inner join usual on usual.site = infusions.site
where list_contains($sites::site[], infusions.site)
    and date_diff('day', last_on, $until::date) > usual_days
order by days desc, infusions.site, infusions.patient
