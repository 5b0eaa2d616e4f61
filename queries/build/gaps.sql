-- Open days on which a site has no booking at all, from its first booking to the last full day.
create table gaps as
with firsts as (
    select site, min(starts_on) as first_day from daily group by site
)
select calendar.site, calendar.date
from calendar
inner join firsts on firsts.site = calendar.site
cross join extract_info
where
    calendar.open
    and calendar.date between firsts.first_day and extract_info.last_full_day
    and not exists (select 1 from daily where daily.site = calendar.site and daily.starts_on = calendar.date)
order by calendar.site, calendar.date
