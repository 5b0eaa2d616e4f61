-- The accepted bookings with everything that doesn't depend on other rows.
create temp table ages as
select age::utinyint as age, band
from unnest(generate_series(0, 120)) as numbers(age)
inner join reference_age_bands on age >= from_age and age <= coalesce(to_age, 120);

create temp table kept_bookings as
select
    read.rowid as row,
    read.file,
    read.booking_id,
    patients.patient,
    read.site,
    read.service,
    services.line::line as line,
    read.status,
    read.starts_at,
    read.starts_at::date as starts_on,
    read.ends_at,
    coalesce(read.starts_instant, timezone(sites.timezone, read.starts_at)) as starts_instant,
    sites.timezone,
    read.booked_on,
    read.cancelled_at,
    read.age,
    coalesce(ages.band, 'Unknown')::band as band,
    read.sex,
    read.indication,
    read.provider,
    read.supervision,
    read.mental_health_provider,
    read.channel,
    coalesce(
        read.chair_minutes,
        date_diff('minute', read.starts_instant, read.ends_instant),
        date_diff('minute', read.starts_at, read.ends_at),
        services.minutes
    )::integer as chair_minutes,
    read.price_cents,
    read.assessed,
    read.dose_mg
from read_bookings as read
inner join patients on patients.patient_id = read.patient_id
inner join reference_sites as sites on sites.site::site = read.site
inner join reference_services as services on services.service::service = read.service
left join ages on ages.age = read.age
where
    read.faults = 0
    and not exists (
        select 1 from late_rejects as late where late.source = 'bookings' and late.row = read.rowid
    )
