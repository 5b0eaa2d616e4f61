-- Bookings as typed values with their faults. delivered: the file, every column as text, with misfits and part.
-- parameters: file, timezones (of the sites, in order)
insert into read_bookings
with parsed as (
    select
        *,
        try_cast(lower(site) as site) as site_key,
        try_cast(lower(service) as service) as service_key,
        try_cast(lower(status) as status) as status_key,
        as_local(starts_at) as starts_local,
        as_local(ends_at) as ends_local,
        as_local(booked_at) as booked_local,
        as_local(cancelled_at) as cancelled_local,
        case when strlen(birth_date) = 10 then try_cast(birth_date as date) end as born_on,
        as_whole(age) as whole_age,
        as_whole(chair_minutes) as minutes,
        as_amount(price) as price_amount,
        as_amount(dose_mg) as dose,
        as_yes_no(side_effects_assessed) as assessed,
        try_cast(lower(supervision) as supervision) as supervisor,
        try_cast(lower(mental_health_provider) as yes_no) as answer
    from delivered
),
-- Few files have times with an offset, so these are made only where a local time is missing.
placed as (
    select
        *,
        case when starts_local is null then as_instant(starts_at) end as starts_instant,
        case when ends_local is null then as_instant(ends_at) end as ends_instant
    from parsed
),
timed as (
    select
        *,
        coalesce(starts_local, timezone($timezones[enum_code(site_key) + 1], starts_instant)) as start_time,
        coalesce(ends_local, timezone($timezones[enum_code(site_key) + 1], ends_instant)) as end_time,
        coalesce(booked_local, timezone($timezones[enum_code(site_key) + 1], as_instant(booked_at))) as booked_time,
        coalesce(cancelled_local, timezone($timezones[enum_code(site_key) + 1], as_instant(cancelled_at)))
            as cancelled_time
    from placed
),
aged as (
    select *, case when birth_date is null then whole_age else date_sub('year', born_on, start_time::date) end as years
    from timed
),
-- Whether a row has any fault at all is found in less time than which, and few have one.
suspected as (
    select
        *,
        coalesce(
            booking_id is null or is_shortened(booking_id) or patient_id is null or site_key is null
            or service_key is null or start_time is null or status_key is null
            or unreadable(booked_at, booked_time) or unreadable(ends_at, end_time)
            or unreadable(cancelled_at, cancelled_time)
            or not ends_in_time(start_time, end_time, starts_instant, ends_instant)
            or unreadable(birth_date, years) or born_on > start_time::date or years > 120
            or unreadable(age, whole_age) or whole_age < 0 or whole_age > 120
            or strlen(sex) > 80 or strlen(indication) > 80 or strlen(provider) > 80 or strlen(channel) > 80
            or unreadable(supervision, supervisor) or unreadable(mental_health_provider, answer)
            or unreadable(chair_minutes, minutes) or minutes < 0 or minutes > 1440
            or unreadable(price, price_amount) or price_amount < 0
            or unreadable(side_effects_assessed, assessed)
            or unreadable(dose_mg, dose) or dose < 0 or dose >= 10000000
            or misfits <> 0,
            false
        ) as suspect
    from aged
),
judged as (
    select
        *,
        case when suspect then
            flag(booking_id is null or is_shortened(booking_id), 0)
            + flag(patient_id is null, 1)
            + flag(site_key is null, 2)
            + flag(service_key is null, 3)
            + flag(starts_at is null or (start_time is null and site_key is not null), 4)
            + flag(status_key is null, 5)
            + flag(unreadable(booked_at, booked_time) and site_key is not null, 6)
            + flag(unreadable(ends_at, end_time) and site_key is not null, 7)
            + flag(not ends_in_time(start_time, end_time, starts_instant, ends_instant), 8)
            + flag(unreadable(cancelled_at, cancelled_time) and site_key is not null, 9)
            + flag(
                birth_date is not null and start_time is not null
                and coalesce(born_on > start_time::date or years > 120, true), 10
            )
            + flag(age is not null and coalesce(whole_age < 0 or whole_age > 120, true), 11)
            + flag(too_long(sex), 12)
            + flag(too_long(indication), 13)
            + flag(too_long(provider), 14)
            + flag(unreadable(supervision, supervisor), 15)
            + flag(unreadable(mental_health_provider, answer), 16)
            + flag(too_long(channel), 17)
            + flag(chair_minutes is not null and coalesce(minutes < 0 or minutes > 1440, true), 18)
            + flag(price is not null and coalesce(price_amount < 0, true), 19)
            + flag(unreadable(side_effects_assessed, assessed), 20)
            + flag(dose_mg is not null and coalesce(dose < 0 or dose >= 10000000, true), 21)
            + (misfits << 32)
        else 0::ubigint end as faults
    from suspected
)
select
    $file + part, faults, booking_id, patient_id, site_key, service_key, status_key, start_time, end_time,
    cancelled_time, booked_time::date, starts_instant, ends_instant,
    -- Whatever else is wrong, since a mapping may want only what cannot be used to be empty.
    case when years is not null and (not suspect or years between 0 and 120) then least(years, 90) end, lower(sex), indication, provider,
    coalesce(supervisor, 'not_recorded'), coalesce(answer, 'not_recorded'), lower(channel), minutes,
    as_cents(price_amount), coalesce(assessed, false), case when not suspect or (dose >= 0 and dose < 10000000) then dose end,
    case when is_faulty(faults) then map {
        'site': site, 'service': service, 'starts_at': starts_at, 'status': status, 'booked_at': booked_at,
        'ends_at': ends_at, 'cancelled_at': cancelled_at, 'age': age, 'sex': sex, 'indication': indication,
        'provider': provider, 'supervision': supervision, 'mental_health_provider': mental_health_provider,
        'channel': channel, 'chair_minutes': chair_minutes, 'price': price,
        'side_effects_assessed': side_effects_assessed, 'dose_mg': dose_mg
    } end
from judged
