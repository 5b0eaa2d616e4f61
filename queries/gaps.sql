-- Open days without any booking, by site.
-- grain: site
-- parameters: sites
-- serves: data
select
    sites.site,
    count(gaps.date)::bigint as days,
    string_agg(strftime(gaps.date, '%-d %b %Y'), ', ' order by gaps.date) filter (where gaps.place <= 5) as first_dates,
    max(gaps.date) as last_date
from sites
left join (select *, row_number() over (partition by site order by date) as place from gaps) as gaps on gaps.site = sites.site
where list_contains($sites::site[], sites.site)
group by sites.site
order by sites.site
