-- Side effects that are sound in themselves and don't fit the bookings or one another.
insert into late_rejects
with firsts as (
    select event_id, min(rowid) as row from read_side_effects where faults = 0 group by event_id having count(*) > 1
),
matched as (
    select
        read.rowid as row,
        read.event_id,
        read.booking_id,
        kept.booking_id is null as orphan,
        coalesce(read.onset_local, timezone(kept.timezone, read.onset_instant)) as onset_at,
        coalesce(read.resolved_local, timezone(kept.timezone, read.resolved_instant)) as resolved_at,
        coalesce(read.onset_instant, timezone(kept.timezone, read.onset_local)) as onset_instant,
        coalesce(read.resolved_instant, timezone(kept.timezone, read.resolved_local)) as resolved_instant,
        kept.starts_instant
    from read_side_effects as read
    left join kept_bookings as kept on kept.booking_id = read.booking_id
    where read.faults = 0
)
select
    'side_effects', matched.row, 'event_id', event_id, 'is a duplicate; the first row with it is kept'
from matched
inner join firsts using (event_id)
where matched.row <> firsts.row
union all
select 'side_effects', row, 'booking_id', booking_id, 'is not among the accepted bookings'
from matched
where orphan
union all
select
    'side_effects', row, 'onset_at', strftime(onset_at, '%Y-%m-%d %H:%M'),
    'is more than a day before the start of its booking'
from matched
where onset_instant < starts_instant - interval 1 day
union all
select 'side_effects', row, 'resolved_at', strftime(resolved_at, '%Y-%m-%d %H:%M'), 'is before onset_at'
from matched
where resolved_instant < onset_instant
