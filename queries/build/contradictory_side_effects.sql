-- Side effects that are sound in themselves, beside their bookings; those that don't fit them or one another are rejected.
create table staged.placed_side_effects as
with matched as (
    select
        read.rowid as row,
        read.event_id,
        read.booking_id,
        read.term,
        read.severity,
        read.serious,
        read.related,
        read.outcome,
        read.action,
        kept.row as booking_row,
        kept.patient,
        kept.site,
        kept.service,
        kept.line,
        kept.band,
        kept.status,
        kept.starts_at,
        kept.starts_on,
        kept.starts_instant,
        read.onset_local,
        read.onset_instant,
        read.resolved_local,
        read.resolved_instant,
        sites.timezone
    from read_side_effects as read
    left join kept_bookings as kept on kept.booking_id = read.booking_id
    left join reference_sites as sites on sites.site::site = kept.site
    where read.faults = 0
)
select
    * exclude (onset_local, onset_instant, resolved_local, resolved_instant, starts_instant, timezone),
    coalesce(onset_local, timezone(timezone, onset_instant)) as onset_at,
    coalesce(resolved_local, timezone(timezone, resolved_instant)) as resolved_at,
    offset_of(timezone(timezone, onset_instant), onset_instant) as onset_offset,
    offset_of(timezone(timezone, resolved_instant), resolved_instant) as resolved_offset,
    coalesce(starts_instant, timezone(timezone, starts_at)) as starts_instant,
    coalesce(onset_instant, timezone(timezone, onset_local)) as onset_instant,
    coalesce(resolved_instant, timezone(timezone, resolved_local)) as resolved_instant
from matched;

insert into late_rejects
with firsts as (
    select
        event_id,
        min(row) filter (
            where
                booking_row is not null
                and coalesce(onset_instant >= starts_instant - interval 1 day, true)
                and coalesce(resolved_instant >= onset_instant, true)
        ) as row
    from placed_side_effects
    group by event_id
    having count(*) > 1
)
select
    'side_effects', placed.row, 'event_id', event_id, 'is a duplicate; the first row with it is kept'
from placed_side_effects as placed
inner join firsts using (event_id)
where placed.row > firsts.row
union all
select 'side_effects', row, 'booking_id', booking_id, 'is not among the accepted bookings'
from placed_side_effects
where booking_row is null
union all
select
    'side_effects', row, 'onset_at', strftime(onset_at, '%Y-%m-%d %H:%M'),
    'is more than a day before the start of its booking'
from placed_side_effects
where onset_instant < starts_instant - interval 1 day
union all
select 'side_effects', row, 'resolved_at', strftime(resolved_at, '%Y-%m-%d %H:%M'), 'is before onset_at'
from placed_side_effects
where resolved_instant < onset_instant;

-- The terms that the reference table has, by key and by name, with the place of the first that is called so.
create temp table known_terms as
with named as (
    select as_term(effect) as term, position from reference_effects
    union all
    select as_term(name), position from reference_effects
)
select term, min(position) as position from named group by term;

-- Those that a later delivery may fit: they wait, and are tried again when something is added. Of a term they hold
-- what an extract knows of those it has accepted, since these may come to wait, too. One that is delivered again as it
-- was waits once, or a delivery of the last thirty days, added each day, would leave it there thirty times.
create table waiting_side_effects as
select
    event_id, booking_id, read.term, if(known.term is null, upper(read.effect[1]) || read.effect[2:], null) as spelling,
    severity, coalesce(read.serious, reference.serious, false) as serious, related, onset_local, onset_instant,
    resolved_local, resolved_instant, outcome, action
from read_side_effects as read
left join known_terms as known on known.term = read.term
left join reference_effects as reference on reference.position = known.position
where faults = 0 and waits('side_effects', read.rowid)
group by all
order by min(read.rowid)
