-- Whether a list price is another on a day with a booking of its service in the extract.
select exists (
    select 1
    from reference_service_prices as now
    inner join before.service_prices as past
        on past.service::varchar = now.service
        and past.from_on <= now.until_on
        and past.until_on >= now.from_on
        and past.list_price_cents <> now.list_price_cents
    inner join extract.bookings as bookings
        on bookings.service = past.service
        and bookings.starts_on between greatest(past.from_on, now.from_on) and least(past.until_on, now.until_on)
)
