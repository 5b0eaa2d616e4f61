-- Open days without a booking, by site, with the first five.
select site::varchar, count(*), list(date order by date)[:5] from gaps group by site order by site
