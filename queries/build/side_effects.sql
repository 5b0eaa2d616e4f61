-- The accepted side effects with what they inherit from their bookings.
create table side_effects (
    event_id varchar using compression uncompressed, booking_id varchar using compression uncompressed, patient bigint,
    site site, service service, line line, band band, status status, starts_on date, effect effect, listed boolean,
    serious boolean, severity severity, related varchar, onset_at timestamp, resolved_at timestamp,
    onset_minutes integer, duration_minutes integer, outcome varchar, transfer boolean, action varchar,
    first_of_kind boolean, onset_offset smallint, resolved_offset smallint
);

insert into side_effects by name
with kept as (
    select
        placed.* exclude (serious),
        terms.effect::effect as effect,
        terms.listed,
        coalesce(placed.serious, terms.serious) as serious
    from placed_side_effects as placed
    inner join terms on terms.term = placed.term
    where not exists (
        select 1 from late_rejects as late where late.source = 'side_effects' and late.row = placed.row
    )
),
-- Few, and apart from the other columns, which a window would carry along.
alike as (
    select placed.booking_row, terms.effect
    from placed_side_effects as placed
    inner join terms on terms.term = placed.term
    group by all
    having count(*) > 1
),
repeated as (
    select placed.row
    from placed_side_effects as placed
    inner join terms on terms.term = placed.term
    inner join alike on alike.booking_row = placed.booking_row and alike.effect = terms.effect
    where not exists (
        select 1 from late_rejects as late where late.source = 'side_effects' and late.row = placed.row
    )
    qualify
        row_number() over (
            partition by placed.booking_row, terms.effect
            order by
                nullif(placed.severity, 'unknown') desc nulls last,
                coalesce(placed.serious, terms.serious) desc,
                placed.onset_at,
                placed.event_id
        ) > 1
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
    repeated.row is null as first_of_kind,
    onset_offset,
    resolved_offset
from kept
left join repeated on repeated.row = kept.row
order by starts_on, site, kept.row;

-- Its memory is needed for what follows.
drop table placed_side_effects
