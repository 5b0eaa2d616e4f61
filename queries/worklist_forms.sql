-- Completed visits whose side-effect form is late: those that late_forms counts.
-- grain: booking
-- parameters: sites, until (the last full day)
-- serves: worklists
select
    site,
    booking_id,
    patient::varchar as patient,
    starts_on,
    date_diff('day', starts_on, $until::date)::bigint as days,
    service,
    provider
from worklist_forms
where list_contains($sites::site[], site)
order by starts_on, site, starts_at, booking_id
