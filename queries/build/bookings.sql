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
        row_number() over (partition by patient order by starts_at, row) = 1 as is_new,
        lag(starts_on) over (partition by patient, site order by starts_at, row) as previous_on
    from kept_bookings
    where status in ('arrived', 'completed')
),
usual as (
    select service::service as service, minutes from reference_services
)
select
    kept.booking_id,
    patient,
    kept.site,
    kept.service,
    line,
    kept.status,
    kept.starts_at,
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
        date_diff('minute', read.starts_instant, ends_instant),
        date_diff('minute', read.starts_at, ends_at),
        usual.minutes
    )::integer as chair_minutes,
    price_cents,
    assessed,
    dose_mg,
    coalesce(is_new, false) as is_new,
    previous_on,
    reported.booking_id is not null as has_effect,
    coalesce(has_serious, false) as has_serious,
    coalesce(has_severe, false) as has_severe
from read_bookings as read
inner join kept_bookings as kept on kept.row = read.rowid
inner join usual on usual.service = kept.service
left join visits on visits.row = kept.row
left join reported on reported.booking_id = kept.booking_id
order by starts_on, kept.site, kept.starts_at, kept.row
