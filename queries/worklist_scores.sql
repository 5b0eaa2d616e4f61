-- Scores after ketamine that are missing and can still be taken.
-- grain: patient × moment, at the site of the first infusion; booking_id is their latest ketamine visit there
-- parameters: sites, until (the last full day)
-- serves: worklists
select
    site,
    booking_id,
    patient::varchar as patient,
    moment,
    from_on,
    to_on,
    date_diff('day', $until::date, to_on)::bigint as days_left,
    lacks_phq_9,
    lacks_gad_7
from worklist_scores
where list_contains($sites::site[], site)
order by days_left, worklist_scores.site, worklist_scores.patient, moment
