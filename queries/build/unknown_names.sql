-- Sites and services that rows named and the reference tables lack: when one opens later, only where no row named it is
-- what is added the same as all at once. The words are kept keyed, since a shifted column may hold anything.
-- grain: source × column_name × name (null: no word tells which site or service was meant, since the mapping knew none,
-- had the value emptied, or it is told by links of resources); rows: so many rows, those told several times among them
create table unknown_names as
with named as (
    select
        'bookings' as source,
        unnest([
            {'column_name': 'site', 'unknown': site is null, 'word': raw['site'], 'lost': (faults >> 34) & 1 = 1},
            {'column_name': 'service', 'unknown': service is null, 'word': raw['service'], 'lost': (faults >> 35) & 1 = 1}
        ], recursive := true)
    from read_bookings
    where (site is null or service is null) and is_faulty(faults)
    union all
    select
        'payments', 'site', true, raw['site'],
        (faults >> 39) & 1 = 1 or file in (select file from emptied where column_name = 'site') as lost
    from read_payments
    where site is null and raw is not null
),
counted as (
    select source, column_name, if(lost, null, lower(word)) as word, count(*) as rows
    from named
    where unknown and (lost or word is not null)
    group by all
    union all
    select 'bookings', unnest(['site', 'service']), null, sum(rows_read)
    from resource_files
    having sum(rows_read) > 0
)
select source, column_name, keyed(column_name || ':' || word) as name, sum(rows)::bigint as rows
from counted
group by all
order by all
