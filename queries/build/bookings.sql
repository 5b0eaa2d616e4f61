-- The bookings, sorted by local date, then site.
create table bookings as
with reported as (
    select
        booking_id,
        bool_or(serious) as has_serious,
        bool_or(severity in ('severe', 'life_threatening', 'fatal')) as has_severe
    from side_effects
    group by booking_id
),
-- Apart from the other columns, which a window would carry along.
visits as (
    select
        row,
        patient,
        line,
        band,
        starts_on,
        visited,
        lag(starts_on) over (partition by patient, site, visited order by starts_at, row) as previous_on
    from kept_bookings
),
new as (
    select min_by(row, epoch_us(starts_at)::hugeint * 4294967296 + row) as row
    from kept_bookings
    where visited
    group by patient
),
usual as (
    select service::service as service, minutes from reference_services
)
select
    read.booking_id,
    patient,
    read.site,
    read.service,
    line,
    read.status,
    read.starts_at,
    starts_on,
    ends_at,
    booked_on,
    cancelled_at,
    (starts_on - booked_on)::integer as lead_days,
    age,
    band,
    sex,
    indication,
    provider,
    supervision,
    mental_health_provider,
    channel,
    coalesce(
        chair_minutes,
        minutes_between(read.starts_instant, ends_instant),
        date_diff('minute', read.starts_at, ends_at),
        usual.minutes
    )::integer as chair_minutes,
    price_cents,
    assessed,
    dose_mg,
    new.row is not null as is_new,
    case when visited then previous_on end as previous_on,
    reported.booking_id is not null as has_effect,
    coalesce(has_serious, false) as has_serious,
    coalesce(has_severe, false) as has_severe
from read_bookings as read
inner join visits on visits.row = read.rowid
inner join usual on usual.service = read.service
left join new on new.row = visits.row
left join reported on reported.booking_id = read.booking_id
order by starts_on, read.site, read.starts_at, visits.row;

-- Its memory is needed for what follows.
drop table read_bookings
