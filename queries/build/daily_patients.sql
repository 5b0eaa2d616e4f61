-- Distinct patients don't add up over days, but who comes for the last time within a period does: a visit followed by
-- none before the period ends. So visits are counted by day and by day of the patient's next such visit.
-- That holds at a site and in an age band for patients who have only one of each; of the others patients_apart has
-- every visit. Both are asked by patients.sql and both_lines.sql.
create table staged.patient_kinds as
select
    patient,
    min(site) <> max(site) or min(band) <> max(band) or count(*) filter (where status = 'arrived') > 0 as apart
from bookings
where status in ('arrived', 'completed')
group by patient
having
    min(site) <> max(site)
    or min(band) <> max(band)
    or min(line) <> max(line)
    or count(*) filter (where status = 'arrived') > 0;

-- Arrived and completed bookings of patients with several sites or age bands, or with a visit that was not completed.
-- flags: 1 completed, 2 with a side effect, 4 with a severe one, 8 with a serious one, 16 ketamine, 32 ketamine with a
-- known mental-health provider; of completed ones alone, added up, any of the day's bookings
-- grain: starts_on × site × line × band × patient
create table patients_apart as
select
    starts_on,
    site,
    line,
    band,
    bookings.patient,
    max(starts_at) as last_at,
    cast(bit_or(
        case
            when status = 'completed' then
                1
                + if(has_effect, 2, 0)
                + if(has_severe, 4, 0)
                + if(has_serious, 8, 0)
                + if(line = 'ketamine', if(mental_health_provider = 'yes', 48, 16), 0)
            else 0
        end
    ) as utinyint) as flags
from bookings
inner join patient_kinds as kinds on kinds.patient = bookings.patient
where status in ('arrived', 'completed') and apart
group by starts_on, site, line, band, bookings.patient
order by starts_on, site, line, band, patient;

create table staged.settled_visits as
select
    starts_on,
    site,
    line,
    band,
    bookings.patient,
    next_on,
    has_effect,
    has_severe,
    has_serious,
    line = 'ketamine' and mental_health_provider = 'yes' as coordinated,
    kinds.patient is null as of_one_line
from bookings
left join patient_kinds as kinds on kinds.patient = bookings.patient
where status = 'completed' and coalesce(not apart, true);

-- Completed bookings of all other patients, additive.
-- counted: the flag of patients_apart that they have, 1, 2, 4, 8 or 32; or 64, any but ketamine
-- line: null where the next one may be of another line, else of the same
-- of_all: whether the row counts among visits of whatever line; of patients with one line only the rows by line do
-- grain: starts_on × site × counted × line × band × of_all × next_on DATE (null: none)
create table daily_patients as
with marked as (
    select *, cast(1 as utinyint) as counted from settled_visits where not of_one_line
    union all
    select *, 2 from settled_visits where has_effect
    union all
    select *, 4 from settled_visits where has_severe
    union all
    select *, 8 from settled_visits where has_serious
    union all
    select *, 32 from settled_visits where coordinated
    union all
    select *, 64 from settled_visits where not of_one_line and line <> 'ketamine'
),
followed as (
    -- The bookings know the next one of the line already.
    select starts_on, site, cast(1 as utinyint) as counted, line, band, of_one_line as of_all, next_on
    from settled_visits
    union all
    select
        starts_on, site, counted, line, band, of_one_line,
        lead(starts_on) over (partition by counted, patient, line order by starts_on)
    from marked
    where counted in (2, 4, 8, 32)
    union all
    select
        starts_on, site, counted, nullif(line, line), band, true,
        lead(starts_on) over (partition by counted, patient order by starts_on)
    from marked
    where not of_one_line and counted <> 32
)
select starts_on, site, counted, line, band, of_all, next_on, cast(count(*) as bigint) as visits
from followed
group by starts_on, site, counted, line, band, of_all, next_on
order by starts_on, site, counted, line, band, of_all, next_on;

drop table settled_visits;
drop table patient_kinds
