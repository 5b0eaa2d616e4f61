-- Courses of ketamine: what followed a patient's first completed infusion of the extract.
-- Scores: baseline is the last one of the 14 days up to the first infusion; day 1 the last one within 24 hours
-- after it; days 7 and 14 the nearest one within 2 days; after is the last one 14 to 31 days after induction.
create temp table infusions as
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
        max(starts_on) filter (where date_diff('day', first_on, starts_on) <= 28) as induction_end_on,
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
),
placed as (
    select
        scores.patient,
        scores.instrument,
        scores.score,
        scores.taken_at,
        cast(scores.taken_at as varchar) || scores.score_id as latest,
        scores.taken_at <= firsts.starts_at as before_first,
        scores.taken_at <= firsts.starts_at + interval 24 hour as within_a_day,
        date_diff('day', firsts.starts_on, scores.taken_on) as day,
        date_diff('day', counted.induction_end_on, scores.taken_on) as day_after
    from scores
    inner join infusions as firsts on firsts.patient = scores.patient and firsts.number = 1
    inner join counted on counted.patient = scores.patient
),
scored as (
    select
        patient,
        instrument,
        max_by(score, latest) filter (where before_first and day >= -14) as baseline,
        max_by(score, latest) filter (where not before_first and within_a_day) as day_1,
        min_by(score, cast(abs(day - 7) as varchar) || latest) filter (where abs(day - 7) <= 2) as day_7,
        min_by(score, cast(abs(day - 14) as varchar) || latest) filter (where abs(day - 14) <= 2) as day_14,
        max_by(score, latest) filter (where day_after between 14 and 31) as after
    from placed
    group by patient, instrument
)
select
    firsts.patient,
    firsts.site,
    firsts.band,
    firsts.indication,
    firsts.starts_on as first_on,
    counted.infusions,
    counted.infusions_by_day_28,
    counted.induction_end_on,
    last_of_spell.stopped_on,
    counted.resumed_with is not null as resumed,
    cast(phq9.baseline as smallint) as phq9_baseline,
    cast(phq9.day_1 as smallint) as phq9_day_1,
    cast(phq9.day_7 as smallint) as phq9_day_7,
    cast(phq9.day_14 as smallint) as phq9_day_14,
    cast(phq9.after as smallint) as phq9_after,
    cast(gad7.baseline as smallint) as gad7_baseline,
    cast(gad7.day_1 as smallint) as gad7_day_1,
    cast(gad7.day_7 as smallint) as gad7_day_7,
    cast(gad7.day_14 as smallint) as gad7_day_14,
    cast(gad7.after as smallint) as gad7_after
from infusions as firsts
inner join counted on counted.patient = firsts.patient
inner join last_of_spell on last_of_spell.patient = firsts.patient
left join scored as phq9 on phq9.patient = firsts.patient and phq9.instrument = 'PHQ-9'
left join scored as gad7 on gad7.patient = firsts.patient and gad7.instrument = 'GAD-7'
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
order by starts_on, site, band, phase, days;

drop table infusions
