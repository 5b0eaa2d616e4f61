-- The sites, in the order of the reference table, with the local date of each one's first booking.
-- sites: none
-- serves: account
select sites.site::varchar as site, name, city, timezone, firsts.first_day
from sites
left join (select site, min(starts_on) as first_day from daily group by site) as firsts on firsts.site = sites.site
order by position
