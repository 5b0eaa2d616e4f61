-- What the extract is: one row.
-- parameters: schema_version, definitions_version, built_at, name, demo, compared_with, key_check (tells keys apart)
create table extract_info as
with days as (
    select min(starts_on) as first_day, max(starts_on) as last_day from bookings
),
busy as (
    select starts_on, starts_on > $built_at::date + 1 as ahead, count(*) as visits
    from bookings
    where status in ('completed', 'no_show')
    group by starts_on
),
-- A few visits that are over before they began are slips of a date, and one would have every page open on an empty day.
-- Where they are many, it is this machine's clock that is wrong.
last_busy as (
    select max(starts_on) filter (where not ahead or many_ahead) as last_busy_day
    from busy, (select coalesce(20 * sum(visits) filter (where ahead) > sum(visits), false) as many_ahead from busy)
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
from days, last_busy, totals
