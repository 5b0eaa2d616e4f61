-- Completed visits whose side-effect form is late: those that late_forms counts.
-- grain: booking
-- parameters: sites, until (the last full day)
-- serves: worklists
select
    bookings.site,
    booking_id,
    patient::varchar as patient,
    bookings.starts_on,
    date_diff('day', bookings.starts_on, $until::date)::bigint as days,
    bookings.service,
    provider
from bookings
inner join late_forms on late_forms.site = bookings.site and late_forms.starts_on = bookings.starts_on
where bookings.starts_on between $until::date - 28 and $until::date
    and list_contains($sites::site[], bookings.site)
    and status = 'completed'
    and not coalesce(assessed, false)
order by bookings.starts_on, bookings.site, starts_at, booking_id
