-- One row a booking, for the row-level file.
-- parameters: start, end, sites, lines, bands
-- serves: booking_rows
select
    booking_id, patient, site::varchar as site, service::varchar as service, line::varchar as line,
    status::varchar as status, starts_at, ends_at, booked_on, lead_days, age, band::varchar as band, sex,
    indication, provider, supervision::varchar as supervision,
    mental_health_provider::varchar as mental_health_provider, channel, chair_minutes,
    (price_cents / 100)::decimal(18, 2) as price, assessed, dose_mg, is_new
from bookings
where starts_on between $start and $end
    and site = any($sites::site[])
    and line = any($lines::line[])
    and band = any($bands::band[])
order by starts_at, booking_id
