-- The accepted side effects with what they inherit from their bookings.
create table side_effects as
with kept as (
    select
        placed.* exclude (serious),
        terms.effect::effect as effect,
        terms.listed,
        coalesce(placed.serious, terms.serious) as serious,
        case placed.severity
            when 'fatal' then 5 when 'life_threatening' then 4 when 'severe' then 3 when 'moderate' then 2
            when 'mild' then 1 else 0
        end as grade
    from placed_side_effects as placed
    inner join terms on terms.term = placed.term
    where not exists (
        select 1 from late_rejects as late where late.source = 'side_effects' and late.row = placed.row
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
    minutes_between(starts_instant, onset_instant) as onset_minutes,
    minutes_between(onset_instant, resolved_instant) as duration_minutes,
    outcome,
    coalesce(outcome = 'emergency transfer', false) as transfer,
    action,
    row_number() over (
        partition by booking_row, effect order by grade desc, serious desc, onset_at, row
    ) = 1 as first_of_kind
from kept
order by starts_on, site, row;

-- Its memory is needed for what follows.
drop table placed_side_effects
