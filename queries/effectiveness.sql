-- Patients whose time for a score after ketamine ended in the period, how many were scored and how they fared, by
-- whichever dimensions $by names. A patient counts at the site, in the band and with the indication of the first
-- completed ketamine infusion. Induction: the completed ketamine infusions of the 28 days from the first.
-- Due is who could have been scored by then, whether or not a questionnaire was ever filled in.
-- grain: one row for each instrument, moment (hours_24, day_7, day_14, after_induction) and combination of site,
--   band, indication in $by
-- parameters: start, end, sites, lines, bands, by
-- serves: safety
with firsts as (
    select patient, min(starts_on) as first_on, min(starts_at) as first_at
    from bookings
    where status = 'completed'
        and line = 'ketamine'
    group by patient
    -- 28 days of induction, and 31 until the last score is due.
    having first_on between $start - 59 and $end
),
started as (
    select
        firsts.patient,
        first_on,
        first_at,
        max(starts_on) as last_on,
        -- Two at one moment are told apart by their numbers.
        min_by(
            struct_pack(site := site, band := band, indication := indication),
            struct_pack(starts_at := starts_at, booking_id := booking_id)
        ) as about
    from firsts
    inner join bookings on bookings.patient = firsts.patient and starts_on between first_on and first_on + 28
    where starts_on between $start - 59 and $end + 28
        and status = 'completed'
        and line = 'ketamine'
    group by firsts.patient, first_on, first_at
),
asked as (
    select *
    from (
        select *, 'hours_24' as moment, first_on + 1 as due_on from started
        union all
        select *, 'day_7', first_on + 9 from started
        union all
        select *, 'day_14', first_on + 16 from started
        union all
        select *, 'after_induction', last_on + 31 from started
    )
    where due_on between $start and $end
        and 'ketamine' = any($lines)
        and about.site = any($sites::site[])
        and about.band = any($bands::band[])
),
taken as (
    select scores.*
    from scores
    inner join (select distinct patient from asked) as own on own.patient = scores.patient
),
baselines as (
    select
        started.patient,
        instrument,
        max_by(score, struct_pack(taken_at := taken_at, score_id := score_id)) as baseline
    from started
    inner join taken on taken.patient = started.patient
    where taken_at <= first_at
        and taken_on >= first_on - 14
    group by all
),
-- The score nearest to days 7 and 14, of the others the last.
found as (
    select
        asked.patient,
        moment,
        instrument,
        min_by(
            score,
            struct_pack(
                away := case moment when 'day_7' then abs(taken_on - first_on - 7) when 'day_14' then abs(taken_on - first_on - 14) else 0 end,
                earlier := -epoch_us(taken_at),
                score_id := score_id
            )
        ) as score
    from (
        select * from asked
        union all
        -- Who had responded within 24 hours is asked again of whoever is due on day 14.
        select * replace ('early' as moment) from asked where moment = 'day_14'
    ) as asked
    inner join taken on taken.patient = asked.patient
    where case
        when moment in ('hours_24', 'early') then taken_at > first_at and taken_at <= first_at + interval 24 hours
        when moment = 'day_7' then taken_on between first_on + 5 and first_on + 9
        when moment = 'day_14' then taken_on between first_on + 12 and first_on + 16
        else taken_on between last_on + 14 and last_on + 31
    end
    group by all
),
fared as (
    select
        about.site,
        about.band,
        about.indication,
        instruments.instrument,
        asked.moment,
        baseline,
        found.score,
        baseline > 0 and 2 * found.score <= baseline as responded,
        asked.moment = 'day_14' and baseline > 0 and 2 * early.score <= baseline as responded_early
    from asked
    cross join (values ('PHQ-9'), ('GAD-7')) as instruments (instrument)
    left join baselines
        on baselines.patient = asked.patient and baselines.instrument = instruments.instrument
    left join found
        on found.patient = asked.patient
        and found.instrument = instruments.instrument
        and found.moment = asked.moment
        and baseline is not null
    left join found as early
        on early.patient = asked.patient
        and early.instrument = instruments.instrument
        and early.moment = 'early'
)
select
    instrument,
    moment,
    case when list_contains($by, 'site') then site end as site,
    case when list_contains($by, 'band') then band end as band,
    case when list_contains($by, 'indication') then coalesce(indication, '') end as indication,
    count(*)::bigint as due,
    count(score)::bigint as scored,
    coalesce(sum(score::integer - baseline::integer), 0)::bigint as change_sum,
    coalesce(sum((score::integer - baseline::integer) ** 2), 0)::bigint as change_squares,
    count(*) filter (where responded)::bigint as responded,
    count(*) filter (where instrument = 'PHQ-9' and score < 5)::bigint as in_remission,
    count(*) filter (where score::integer - baseline::integer >= 5)::bigint as worse,
    count(*) filter (where responded_early)::bigint as early_responders,
    count(*) filter (where responded_early and score is not null)::bigint as early_scored,
    count(*) filter (where responded_early and responded)::bigint as lasting
from fared
group by all
order by all
