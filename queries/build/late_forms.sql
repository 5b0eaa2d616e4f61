-- Completed visits of the last 28 days whose side-effect form is due, and how many of them lack it. Days on which none
-- is missing stand here, too: the report says "5 of 69", of all visits.
-- grain: site × starts_on
-- parameters: late_form_days (days after which it is due)
create table late_forms as
select
    site,
    starts_on,
    sum(completed)::bigint as completed,
    sum(completed - assessed)::bigint as missing
from daily
cross join extract_info
where starts_on between last_full_day - 27 and last_full_day - $late_form_days::integer
group by site, starts_on
having sum(completed) > 0
order by site, starts_on
