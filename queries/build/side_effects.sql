-- The accepted side effects with what they inherit from their bookings.
create table side_effects as
with matched as (
    select
        read.rowid as row,
        read.event_id,
        kept.booking_id,
        kept.patient,
        kept.site,
        kept.service,
        kept.line,
        kept.band,
        kept.status,
        kept.starts_on,
        kept.starts_instant,
        terms.effect::effect as effect,
        terms.listed,
        coalesce(read.serious, terms.serious) as serious,
        read.severity,
        read.related,
        coalesce(read.onset_local, timezone(kept.timezone, read.onset_instant)) as onset_at,
        coalesce(read.resolved_local, timezone(kept.timezone, read.resolved_instant)) as resolved_at,
        coalesce(read.onset_instant, timezone(kept.timezone, read.onset_local)) as onset_instant,
        coalesce(read.resolved_instant, timezone(kept.timezone, read.resolved_local)) as resolved_instant,
        read.outcome,
        read.action,
        case read.severity
            when 'fatal' then 5 when 'life_threatening' then 4 when 'severe' then 3 when 'moderate' then 2
            when 'mild' then 1 else 0
        end as grade
    from read_side_effects as read
    inner join kept_bookings as kept on kept.booking_id = read.booking_id
    inner join terms on terms.term = read.term
    where
        read.faults = 0
        and not exists (
            select 1 from late_rejects as late where late.source = 'side_effects' and late.row = read.rowid
        )
)
select
    event_id,
    booking_id,
    patient,
    site,
    service,
    line,
    band,
    status,
    starts_on,
    effect,
    listed,
    serious,
    severity,
    related,
    onset_at,
    resolved_at,
    date_diff('minute', starts_instant, onset_instant)::integer as onset_minutes,
    date_diff('minute', onset_instant, resolved_instant)::integer as duration_minutes,
    outcome,
    coalesce(outcome = 'emergency transfer', false) as transfer,
    action,
    row_number() over (
        partition by booking_id, effect order by grade desc, serious desc, onset_at, row
    ) = 1 as first_of_kind
from matched
order by starts_on, site, row
