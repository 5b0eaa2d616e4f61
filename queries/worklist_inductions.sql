-- Inductions near their day 28 that have fewer than six infusions done and booked by it.
-- grain: patient; booking_id is their latest ketamine visit at the site of the first infusion
-- parameters: sites, until (the last full day), near (days to day 28)
-- serves: worklists
select
    site,
    booking_id,
    patient::varchar as patient,
    first_on,
    day_28,
    date_diff('day', $until::date, day_28)::bigint as days_left,
    done,
    ahead,
    6 - done - ahead as short
from worklist_inductions
where list_contains($sites::site[], site)
    and day_28 <= $until::date + $near::integer
order by days_left, short desc, worklist_inductions.site, worklist_inductions.patient
