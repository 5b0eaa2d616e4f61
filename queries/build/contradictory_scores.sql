-- Scores that are sound in themselves and don't fit the bookings or one another.
insert into late_rejects
with repeated as (
    select score_id from read_scores where faults = 0 group by score_id having count(*) > 1
),
firsts as (
    select read.score_id, min(read.rowid) as row
    from read_scores as read
    inner join repeated on repeated.score_id = read.score_id
    inner join patients on patients.patient_id = read.patient_id
    inner join patient_firsts on patient_firsts.patient = patients.patient
    where read.faults = 0
    group by read.score_id
)
select
    'scores', read.rowid, 'score_id', read.score_id, 'is a duplicate; the first row with it is kept'
from read_scores as read
inner join firsts on firsts.score_id = read.score_id
where read.faults = 0 and read.rowid > firsts.row
union all
select
    'scores', read.rowid, 'patient_id', '(not shown)', 'has no accepted booking, so the site is not known; write patient_id as the bookings do (007 is not 7)'
from read_scores as read
inner join patients on patients.patient_id = read.patient_id
left join patient_firsts on patient_firsts.patient = patients.patient
where read.faults = 0 and patient_firsts.patient is null;

-- Those that a later delivery may fit: they wait, and are tried again when something is added; the same row once.
create table waiting_scores as
select score_id, patient, instrument, taken_local, taken_instant, score
from read_scores as read
inner join patients on patients.patient_id = read.patient_id
where faults = 0 and waits('scores', read.rowid)
group by all
order by min(read.rowid)
