-- What the extract is: one row.
-- parameters: schema_version, definitions_version, built_at, name, demo, compared_with, key_check (tells keys apart)
create table extract_info as
with days as (
    select
        min(starts_on) as first_day,
        max(starts_on) as last_day,
        max(starts_on) filter (where status in ('completed', 'no_show')) as last_busy_day
    from bookings
),
totals as (
    select
        sum(rows_read)::bigint as rows_read,
        sum(rows_accepted)::bigint as rows_accepted,
        sum(rows_rejected)::bigint as rows_rejected
    from sources
)
select
    $schema_version::integer as schema_version,
    $definitions_version::varchar as definitions_version,
    $built_at::timestamp as built_at,
    $name::varchar as name,
    $demo::boolean as demo,
    $compared_with::varchar as compared_with,
    $key_check::varchar as key_check,
    first_day,
    last_day,
    coalesce(
        last_busy_day - (
            select (count(*) > 0)::integer from bookings where starts_on = last_busy_day and status = 'booked'
        ),
        last_day
    )::date as last_full_day,
    totals.*
from days, totals
