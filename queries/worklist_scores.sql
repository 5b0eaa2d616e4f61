-- Scores that can still be taken: patients in whose days for a score after ketamine the day after the last full one
-- lies, and who lack PHQ-9 or GAD-7 in them. Days as in effectiveness: 5 to 9 and 12 to 16 after the first infusion, 14 to 31 after
-- the last one of an induction that is over.
-- grain: patient × moment, at the site of the first infusion; booking_id is their latest ketamine visit there by then
-- parameters: sites, until (the last full day)
-- serves: worklists
with started as (
    select
        courses.patient,
        courses.site,
        first_on,
        max(starts_on) filter (where starts_on <= first_on + 28) as last_on,
        max_by(booking_id, struct_pack(starts_at := starts_at, booking_id := booking_id)) filter (
            where bookings.site = courses.site
        ) as booking_id
    from courses
    inner join bookings on bookings.patient = courses.patient and bookings.starts_on >= first_on
    where first_on between $until::date - 59 and $until::date
        and bookings.starts_on between $until::date - 59 and $until::date
        and list_contains($sites::site[], courses.site)
        and line = 'ketamine'
        and status = 'completed'
    group by courses.patient, courses.site, first_on
),
asked as (
    select *, 'day_7' as moment, first_on + 5 as from_on, first_on + 9 as to_on from started
    union all
    select *, 'day_14', first_on + 12, first_on + 16 from started
    union all
    select *, 'after_induction', last_on + 14, last_on + 31 from started where first_on + 28 <= $until
),
open as (
    select * from asked where $until::date + 1 between from_on and to_on
),
taken as (
    select
        open.patient,
        moment,
        bool_or(instrument = 'PHQ-9') as phq_9,
        bool_or(instrument = 'GAD-7') as gad_7
    from open
    inner join scores on scores.patient = open.patient and scores.taken_on between from_on and to_on
    group by open.patient, moment
)
select
    site,
    booking_id,
    open.patient::varchar as patient,
    open.moment,
    from_on,
    to_on,
    date_diff('day', $until::date, to_on)::bigint as days_left,
    not coalesce(phq_9, false) as lacks_phq_9,
    not coalesce(gad_7, false) as lacks_gad_7
from open
left join taken on taken.patient = open.patient and taken.moment = open.moment
where not (coalesce(phq_9, false) and coalesce(gad_7, false))
order by days_left, site, open.patient, open.moment
