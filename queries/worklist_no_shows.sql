-- The last no-show of a patient in a service line, in the 28 days up to the last full day, not booked again since.
-- grain: patient × line, at the site of the no-show
-- parameters: sites, until (the last full day)
-- serves: worklists
select
    site,
    booking_id,
    patient::varchar as patient,
    line,
    service,
    starts_on,
    date_diff('day', starts_on, $until::date)::bigint as days
from worklist_no_shows
where list_contains($sites::site[], site)
order by line, starts_on, site, booking_id
