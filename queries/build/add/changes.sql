-- Changes of the rows in question, as compared, and all the rows that nothing touched.
delete from extract.changes;
insert into extract.changes
with now as (
    select 'bookings' as source, site::varchar as site, sum(bookings)::bigint as rows from extract.daily group by site
    union all
    select 'side_effects', site::varchar, sum(events)::bigint from extract.daily_effects group by site
    union all
    select 'payments', site::varchar, count(*) from extract.payments group by site
    union all
    select 'scores', site::varchar, count(*) from extract.scores group by site
),
compared as (
    select * from changes where site is not null
),
sides as (
    select source, site, rows_before, rows_now, added, removed, changed from compared
    union all
    select now.source, now.site, rows - coalesce(rows_now, 0), rows - coalesce(rows_now, 0), 0, 0, 0
    from now
    left join compared on compared.source = now.source and compared.site = now.site
)
select
    source, site, sum(rows_before)::bigint, sum(rows_now)::bigint, sum(added)::bigint, sum(removed)::bigint,
    sum(changed)::bigint
from sides
where rows_before > 0 or rows_now > 0
group by grouping sets ((source), (source, site))
order by source, site nulls first
