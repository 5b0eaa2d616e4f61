-- Whom to call and what is due as of the last full day: of the extract, whoever asks, so that no page looks for it
-- among the bookings.
set variable until = (select last_full_day from extract_info);
create or replace temp macro until() as getvariable('until')::date;

-- Inductions in their 28 days that have fewer than six infusions done and booked by the last of them.
-- A course is at the site of its first infusion; infusions count at whichever site, as in courses.
-- grain: patient; booking_id is their latest ketamine visit at that site
create table worklist_inductions as
with under_way as (
    select patient, site, first_on, first_on + 28 as day_28
    from courses
    where first_on between until() - 27 and until()
),
counted as (
    select
        under_way.patient,
        count(*) filter (where starts_on <= until() and status = 'completed')::bigint as done,
        count(*) filter (
            where starts_on > until() and status in ('booked', 'arrived', 'completed')
        )::bigint as ahead,
        max_by(booking_id, struct_pack(starts_at := starts_at, booking_id := booking_id)) filter (
            where starts_on <= until() and status = 'completed' and bookings.site = under_way.site
        ) as booking_id
    from under_way
    inner join bookings on bookings.patient = under_way.patient and bookings.starts_on between first_on and day_28
    where bookings.starts_on between until() - 27 and until() + 28
        and line = 'ketamine'
    group by under_way.patient
)
select under_way.site, booking_id, under_way.patient, first_on, day_28, done, ahead
from under_way
inner join counted on counted.patient = under_way.patient
where done + ahead < 6
order by day_28, under_way.site, under_way.patient;

-- Patients past their induction who have no ketamine visit ahead and whose last infusion lies longer back than the
-- site's usual interval: the median of the days between its later infusions in the year up to then. A gap of more
-- than 60 days ends a course: whom no visit can keep in it any more isn't overdue.
-- grain: patient, at the site of the last infusion; booking_id is that infusion
create table worklist_boosters as
with recent as (
    select patient, site, starts_at, starts_on, booking_id
    from bookings
    where starts_on between until() - 59 and until()
        and line = 'ketamine'
        and status = 'completed'
),
lasts as (
    select patient, max(starts_at) as starts_at from recent group by patient
),
ahead as (
    select distinct patient
    from bookings
    where starts_on > until() and line = 'ketamine' and status in ('booked', 'arrived', 'completed')
),
gaps as (
    select
        site,
        days,
        sum(sum(infusions)) over (partition by site order by days) as reached,
        sum(sum(infusions)) over (partition by site) as every
    from infusion_gaps
    where phase = 'later' and starts_on between until() - 364 and until()
    group by site, days
),
usual as (
    -- The mean of the two in the middle, which of an odd number are one.
    select
        site,
        (min(days) filter (where 2 * reached >= every) + min(days) filter (where 2 * reached > every)) / 2 as usual_days
    from gaps
    group by site
),
-- Of two infusions at one time the last by id.
infusions as (
    select recent.patient, max_by(site, booking_id) as site, max(booking_id) as booking_id, any_value(starts_on) as last_on
    from lasts
    inner join recent on recent.patient = lasts.patient and recent.starts_at = lasts.starts_at
    where not exists (select 1 from ahead where ahead.patient = lasts.patient)
    group by recent.patient
)
select infusions.site, booking_id, infusions.patient, last_on, usual_days
from infusions
inner join courses on courses.patient = infusions.patient and courses.first_on + 28 <= until()
inner join usual on usual.site = infusions.site
where date_diff('day', last_on, until()) > usual_days
order by last_on, infusions.site, infusions.patient;

-- Scores that can still be taken: patients in whose days for a score after ketamine the day after the last full one
-- lies, and who lack PHQ-9 or GAD-7 in them. Days as in daily_outcomes: 5 to 9 and 12 to 16 after the first infusion,
-- 14 to 31 after the last one of an induction that is over.
-- grain: patient × moment, at the site of the first infusion; booking_id is their latest ketamine visit there by then
create table worklist_scores as
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
    where first_on between until() - 59 and until()
        and bookings.starts_on between until() - 59 and until()
        and line = 'ketamine'
        and status = 'completed'
    group by courses.patient, courses.site, first_on
),
asked as (
    select *, 'day_7' as moment, first_on + 5 as from_on, first_on + 9 as to_on from started
    union all
    select *, 'day_14', first_on + 12, first_on + 16 from started
    union all
    select *, 'after_induction', last_on + 14, last_on + 31 from started where first_on + 28 <= until()
),
open as (
    select * from asked where until() + 1 between from_on and to_on
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
    open.patient,
    open.moment,
    from_on,
    to_on,
    not coalesce(phq_9, false) as lacks_phq_9,
    not coalesce(gad_7, false) as lacks_gad_7
from open
left join taken on taken.patient = open.patient and taken.moment = open.moment
where not (coalesce(phq_9, false) and coalesce(gad_7, false))
order by to_on, site, open.patient, open.moment;

-- The last no-show of a patient in a service line, in the 28 days up to the last full day, with no later booking of
-- the line at any site that was not cancelled.
-- grain: patient × line, at the site of the no-show
create table worklist_no_shows as
with missed as (
    select *
    from bookings
    where starts_on between until() - 27 and until() and status = 'no_show'
)
select site, booking_id, patient, line, service, starts_on
from missed
where not exists (
    select 1
    from bookings as later
    where later.patient = missed.patient
        and later.line = missed.line
        and later.starts_on >= until() - 27
        and (later.starts_at, later.booking_id) > (missed.starts_at, missed.booking_id)
        and later.status in ('booked', 'arrived', 'completed', 'no_show')
)
order by line, starts_on, site, booking_id;

-- Completed visits whose side-effect form is late: those that late_forms counts.
-- grain: booking
create table worklist_forms as
select bookings.site, booking_id, patient, bookings.starts_on, starts_at, service, provider
from bookings
inner join late_forms on late_forms.site = bookings.site and late_forms.starts_on = bookings.starts_on
where bookings.starts_on between until() - 27 and until()
    and status = 'completed'
    and not assessed
order by bookings.starts_on, bookings.site, starts_at, booking_id
