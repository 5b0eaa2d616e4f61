-- The accepted scores; the site is that of the patient's latest booking up to that day, else of the first.
create table scores (
    score_id varchar using compression uncompressed, patient bigint, site site, instrument varchar, taken_at timestamp,
    taken_on date, score utinyint, taken_offset smallint
);

insert into scores by name
with sound as (
    select
        read.rowid as row,
        read.score_id,
        patients.patient,
        read.instrument,
        read.taken_local,
        read.taken_instant,
        read.score,
        patient_firsts.site as first_site,
        patient_firsts.several,
        coalesce(read.taken_local, timezone(sites.timezone, read.taken_instant))::date as about_on
    from read_scores as read
    inner join patients on patients.patient_id = read.patient_id
    inner join patient_firsts on patient_firsts.patient = patients.patient
    inner join reference_sites as sites on sites.site::site = patient_firsts.site
    where
        read.faults = 0
        and not exists (
            select 1 from late_rejects as late where late.source = 'scores' and late.row = read.rowid
        )
),
placed as (
    select sound.*, first_site as site
    from sound
    where not several
    union all
    select sound.*, coalesce(patient_days.site, first_site)
    from sound
    asof left join patient_days
        on patient_days.patient = sound.patient and sound.about_on >= patient_days.starts_on
    where several
)
select
    score_id,
    patient,
    placed.site,
    instrument,
    coalesce(taken_local, timezone(timezone, taken_instant)) as taken_at,
    coalesce(taken_local, timezone(timezone, taken_instant))::date as taken_on,
    score,
    offset_of(timezone(timezone, taken_instant), taken_instant) as taken_offset
from placed
inner join reference_sites as sites on sites.site::site = placed.site
order by taken_on, placed.site, taken_at, row;

-- Its memory is needed for what follows.
drop table read_scores
