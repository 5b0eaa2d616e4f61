-- Questionnaire scores as typed values with their faults. delivered: the file, every column as text, with misfits and part.
-- parameters: file
insert into read_scores
with parsed as (
    select
        *,
        upper(instrument) as questionnaire,
        as_local(taken_at) as taken_local,
        as_instant(taken_at) as taken_instant,
        as_whole(score) as points
    from delivered
),
judged as (
    select
        *,
        flag(score_id is null or is_shortened(score_id), 0)
        + flag(patient_id is null, 1)
        + flag(coalesce(questionnaire not in ('PHQ-9', 'GAD-7'), true), 2)
        + flag(taken_local is null and taken_instant is null, 3)
        + flag(
            coalesce(points < 0 or points > case questionnaire when 'GAD-7' then 21 else 27 end, true), 4
        )
        + (misfits << 32) as faults
    from parsed
)
select
    $file + part, faults, score_id, patient_id, questionnaire, taken_local, taken_instant,
    case when faults = 0 then points end,
    case when is_faulty(faults) then map {'instrument': instrument, 'taken_at': taken_at, 'score': score} end
from judged
