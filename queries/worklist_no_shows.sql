-- The last no-show of a patient in a service line, in the 28 days up to the last full day, with no later booking of
-- the line at any site that was not cancelled.
-- grain: patient × line, at the site of the no-show
-- parameters: sites, until (the last full day)
-- serves: worklists
with missed as (
    select *
    from bookings
    where starts_on between $until::date - 27 and $until::date
        and list_contains($sites::site[], site)
        and status = 'no_show'
)
select
    site,
    booking_id,
    missed.patient::varchar as patient,
    missed.line,
    service,
    starts_on,
    date_diff('day', starts_on, $until::date)::bigint as days
from missed
where not exists (
    select 1
    from bookings as later
    where later.patient = missed.patient
        and later.line = missed.line
        and later.starts_on >= missed.starts_on
        and (later.starts_at, later.booking_id) > (missed.starts_at, missed.booking_id)
        and later.status in ('booked', 'arrived', 'completed', 'no_show')
)
order by missed.line, starts_on, site, booking_id
