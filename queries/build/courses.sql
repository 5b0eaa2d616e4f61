-- Courses of ketamine: what followed a patient's first completed infusion of the extract.
create table staged.infusions as
select
    patient,
    site,
    band,
    indication,
    starts_at,
    starts_on,
    row_number() over (partition by patient order by starts_at, booking_id) as number,
    min(starts_on) over (partition by patient) as first_on,
    lag(starts_on) over (partition by patient order by starts_at, booking_id) as earlier_on
from bookings
where line = 'ketamine' and status = 'completed';

-- grain: patient; stopped_on: the last infusion before a gap of more than 60 days or of the extract
create table courses as
with counted as (
    select
        patient,
        cast(count(*) as integer) as infusions,
        cast(count(*) filter (where date_diff('day', first_on, starts_on) <= 28) as integer) as infusions_by_day_28,
        min(number) filter (where date_diff('day', earlier_on, starts_on) > 60) as resumed_with
    from infusions
    group by patient
),
last_of_spell as (
    select infusions.patient, max(starts_on) as stopped_on
    from infusions
    inner join counted on counted.patient = infusions.patient
    where counted.resumed_with is null or infusions.number < counted.resumed_with
    group by infusions.patient
)
select
    firsts.patient,
    firsts.site,
    firsts.band,
    firsts.starts_on as first_on,
    counted.infusions,
    counted.infusions_by_day_28,
    last_of_spell.stopped_on,
    counted.resumed_with is not null as resumed
from infusions as firsts
inner join counted on counted.patient = firsts.patient
inner join last_of_spell on last_of_spell.patient = firsts.patient
where firsts.number = 1
order by first_on, firsts.site, firsts.patient;

-- Days since the patient's infusion before, additive.
-- grain: starts_on × site × band × phase (induction: by day 28 after the first, else later) × days
create table infusion_gaps as
select
    starts_on,
    site,
    band,
    case when date_diff('day', first_on, starts_on) <= 28 then 'induction' else 'later' end as phase,
    cast(date_diff('day', earlier_on, starts_on) as integer) as days,
    cast(count(*) as bigint) as infusions
from infusions
where earlier_on is not null
group by starts_on, site, band, phase, days
order by starts_on, site, band, phase, days
