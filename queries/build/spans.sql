-- Spans of days with some $rows kept bookings, or of one day with more.
-- grain: span; first_on, last_on are inclusive local dates
with days as (
    select starts_on, sum(count(*)) over (order by starts_on) as reached from kept_bookings group by starts_on
)
select min(starts_on) as first_on, max(starts_on) as last_on
from days
group by reached // $rows
order by first_on
