-- The reference tables as given; position is the order of their files. What may change by date stands apart, with the
-- days for which it counts, both included: those of a site or service follow one another without a gap, so that
-- each day has one row of each.
create temp table reference_sites (
    site varchar, name varchar, city varchar, timezone varchar, position integer
);

create temp table reference_site_hours (
    site varchar, from_on date, until_on date, chairs integer, opens time, closes time, open_days varchar
);

create temp table reference_closures (site varchar, closed_on date);

create temp table reference_services (service varchar, name varchar, line varchar, position integer);

create temp table reference_service_prices (
    service varchar, from_on date, until_on date, minutes integer, list_price_cents bigint
);

create temp table reference_effects (effect varchar, name varchar, listed boolean, serious boolean, position integer);

create temp table reference_age_bands (
    band varchar, "group" varchar, from_age integer, to_age integer, position integer
)
