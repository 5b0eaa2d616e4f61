-- Patients past their induction without a ketamine visit ahead, whose last infusion lies longer back than is usual at
-- the site, and by when a visit keeps their course going.
-- grain: patient, at the site of the last infusion; booking_id is that infusion
-- parameters: sites, until (the last full day)
-- serves: worklists
select
    site,
    booking_id,
    patient::varchar as patient,
    last_on,
    date_diff('day', last_on, $until::date)::bigint as days,
    usual_days::double as usual_days,
    date_diff('day', last_on, $until::date) - usual_days::double as overdue,
    last_on + 60 as ends_on
from worklist_boosters
where list_contains($sites::site[], site)
order by days desc, worklist_boosters.site, worklist_boosters.patient
