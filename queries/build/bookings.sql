-- The bookings, sorted by local date, then site.
create table bookings as
with reported as (
    select
        booking_id,
        bool_or(serious) as has_serious,
        bool_or(severity in ('severe', 'life_threatening', 'fatal')) as has_severe
    from side_effects
    group by booking_id
)
select
    kept.booking_id,
    patient,
    site,
    service,
    line,
    status,
    starts_at,
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
    chair_minutes,
    price_cents,
    assessed,
    dose_mg,
    status in ('arrived', 'completed') and row_number() over (
        partition by patient, status in ('arrived', 'completed') order by starts_at, kept.row
    ) = 1 as is_new,
    case
        when status in ('arrived', 'completed')
        then lag(starts_on) over (
            partition by patient, status in ('arrived', 'completed'), site order by starts_at, kept.row
        )
    end as previous_on,
    reported.booking_id is not null as has_effect,
    coalesce(has_serious, false) as has_serious,
    coalesce(has_severe, false) as has_severe
from kept_bookings as kept
left join reported on reported.booking_id = kept.booking_id
order by starts_on, site, starts_at, kept.row
