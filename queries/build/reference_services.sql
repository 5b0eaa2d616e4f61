-- The services as given, in the order of their file.
create temp table reference_services (
    service varchar, name varchar, line varchar, minutes integer, list_price_cents bigint, position integer
)
