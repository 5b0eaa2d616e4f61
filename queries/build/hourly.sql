-- Additive counts of bookings by local hour of their start.
-- grain: starts_on × site × line × band × hour × status
create table hourly as
select
    starts_on,
    site,
    line,
    band,
    cast(extract(hour from starts_at) as utinyint) as hour,
    status,
    cast(count(*) as bigint) as bookings,
    cast(sum(chair_minutes) as bigint) as chair_minutes
from bookings
group by starts_on, site, line, band, extract(hour from starts_at), status
order by starts_on, site, line, band, hour, status
