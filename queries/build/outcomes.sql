-- Patients whose time for a score after ketamine ended on a day, how many were scored and how they fared, additive.
-- A patient counts at the site, in the band and with the indication of the first completed ketamine infusion.
-- Induction: the completed ketamine infusions of the 28 days from the first. Due is who could have been scored by
-- then, whether or not a questionnaire was ever filled in.
-- grain: due_on × site × band × indication × instrument × moment (hours_24, day_7, day_14, after_induction)
create table daily_outcomes as
with started as (
    select
        patient,
        first_on,
        min(starts_at) as first_at,
        max(starts_on) as last_on,
        min(site) filter (where number = 1) as site,
        min(band) filter (where number = 1) as band,
        min(indication) filter (where number = 1) as indication
    from infusions
    where starts_on <= first_on + 28
    group by patient, first_on
),
-- The score nearest to days 7 and 14, of the others the last; two at one moment are told apart by their ids.
scored as (
    select
        patient,
        instrument,
        max_by(score, struct_pack(taken_at := taken_at, score_id := score_id))
            filter (where taken_at <= first_at and taken_on >= first_on - 14) as baseline,
        min_by(score, struct_pack(earlier := earlier, score_id := score_id))
            filter (where taken_at > first_at and taken_at <= first_at + interval 24 hours) as hours_24,
        min_by(score, struct_pack(away := abs(date_diff('day', first_on, taken_on) - 7), earlier := earlier, score_id := score_id))
            filter (where taken_on between first_on + 5 and first_on + 9) as day_7,
        min_by(score, struct_pack(away := abs(date_diff('day', first_on, taken_on) - 14), earlier := earlier, score_id := score_id))
            filter (where taken_on between first_on + 12 and first_on + 16) as day_14,
        min_by(score, struct_pack(earlier := earlier, score_id := score_id))
            filter (where taken_on between last_on + 14 and last_on + 31) as after_induction
    from (select patient, instrument, taken_at, taken_on, score, score_id, -epoch_us(taken_at) as earlier from scores)
    inner join started using (patient)
    where taken_on between first_on - 14 and last_on + 31
    group by patient, instrument
),
fared as (
    select
        case moment
            when 'hours_24' then first_on + 1
            when 'day_7' then first_on + 9
            when 'day_14' then first_on + 16
            else last_on + 31
        end as due_on,
        site,
        band,
        indication,
        instrument,
        moment,
        baseline::integer as baseline,
        -- Without a baseline there is nothing to set a score against.
        case
            when baseline is null then null
            when moment = 'hours_24' then hours_24
            when moment = 'day_7' then day_7
            when moment = 'day_14' then day_14
            else after_induction
        end::integer as score,
        baseline > 0 and 2 * score <= baseline as responded,
        moment = 'day_14' and baseline > 0 and 2 * hours_24 <= baseline as responded_early
    from started
    cross join (values ('PHQ-9'), ('GAD-7')) as instruments (instrument)
    cross join (values ('hours_24'), ('day_7'), ('day_14'), ('after_induction')) as moments (moment)
    left join scored using (patient, instrument)
)
select
    due_on,
    site,
    band,
    indication,
    instrument,
    moment,
    count(*)::integer as due,
    count(score)::integer as scored,
    coalesce(sum(score - baseline), 0)::integer as change_sum,
    coalesce(sum((score - baseline) * (score - baseline)), 0)::integer as change_squares,
    count(*) filter (where responded)::integer as responded,
    count(*) filter (where instrument = 'PHQ-9' and score < 5)::integer as in_remission,
    count(*) filter (where score - baseline >= 5)::integer as worse,
    count(*) filter (where responded_early)::integer as early_responders,
    count(*) filter (where responded_early and score is not null)::integer as early_scored,
    count(*) filter (where responded_early and responded)::integer as lasting
from fared
group by all
order by due_on, site, band, indication, instrument, moment;

drop table infusions
