-- One row a booking, for the row-level file, in the order of the extract: by date, site and time, so that nothing
-- has to be held back for sorting.
-- parameters: start, end, sites, lines, bands
-- serves: booking_rows
-- order: starts_on site starts_at booking_id
select
    booking_id, patient, site, service, line, status, starts_at, ends_at, booked_on, lead_days, age, band, sex,
    indication, provider, supervision, mental_health_provider, channel, chair_minutes,
    (price_cents::decimal(15, 0) * 0.01::decimal(2, 2))::decimal(18, 2) as price, assessed, dose_mg, is_new
from bookings
where starts_on between $start and $end
    and list_contains($sites::site[], site)
    and list_contains($lines::line[], line)
    and list_contains($bands::band[], band)
