-- Differences between the reference tables and those of the extract for which rows of the extract would be others, had
-- all been delivered with these tables. What isn't here changes no row: closures, chairs and hours are in the calendar
-- alone, list prices in sums that are made anew, a city in nothing.
-- grain: file × key × fault; rows: so many may be others, of days from first_on to last_on where the fault is one of
-- the row that counts from from_on
-- parameters: ever (before all days)
with unknown as (
    select column_name, name, sum(rows)::bigint as rows, bool_or(rows is null) as unrecorded
    from before.unknown_names
    group by column_name, name
),
sites as (
    select
        coalesce(now.site, past.site::varchar) as key,
        coalesce(now.position, past.position) as position,
        case
            when past.site is null and lost.unrecorded then 'unrecorded'
            when past.site is null and named.rows > 0 then 'named'
            when past.site is null and lost.rows > 0 then 'lost'
            when past.site is null then null
            when now.site is null then 'gone'
            when past.name <> now.name then 'name'
            when past.timezone <> now.timezone then 'timezone'
            -- One that is new may stand anywhere.
            when rank() over (partition by now.site is null or past.site is null order by past.position)
                <> rank() over (partition by now.site is null or past.site is null order by now.position)
                then 'position'
        end as fault,
        if(named.rows > 0, named.rows, lost.rows) as rows
    from reference_sites as now
    full join extract.sites as past on past.site::varchar = now.site
    left join unknown as named on named.column_name = 'site' and named.name = keyed('site:' || now.site)
    left join unknown as lost on lost.column_name = 'site' and lost.name is null
),
services as (
    select
        coalesce(now.service, past.service::varchar) as key,
        coalesce(now.position, past.position) as position,
        case
            when past.service is null and lost.unrecorded then 'unrecorded'
            when past.service is null and named.rows > 0 then 'named'
            when past.service is null and lost.rows > 0 then 'lost'
            when past.service is null then null
            when now.service is null then 'gone'
            when past.name <> now.name then 'name'
            when past.line::varchar <> now.line then 'line'
            -- One that is new may stand anywhere.
            when rank() over (partition by now.service is null or past.service is null order by past.position)
                <> rank() over (partition by now.service is null or past.service is null order by now.position)
                then 'position'
        end as fault,
        if(named.rows > 0, named.rows, lost.rows) as rows
    from reference_services as now
    full join extract.services as past on past.service::varchar = now.service
    left join unknown as named on named.column_name = 'service' and named.name = keyed('service:' || now.service)
    left join unknown as lost on lost.column_name = 'service' and lost.name is null
),
-- Any other number of minutes in the chair was delivered, or is the time from start to end.
minutes as (
    select
        now.service, now.from_on, count(*) as rows, min(starts_on) as first_on, max(starts_on) as last_on
    from reference_service_prices as now
    inner join extract.service_prices as past
        on past.service::varchar = now.service
        and past.from_on <= now.until_on
        and past.until_on >= now.from_on
        and past.minutes <> now.minutes
    inner join extract.bookings as bookings
        on bookings.service = past.service
        and bookings.starts_on between greatest(past.from_on, now.from_on) and least(past.until_on, now.until_on)
        and bookings.chair_minutes = past.minutes
    group by now.service, now.from_on
),
age_bands as (
    select coalesce(now.band, past.band::varchar) as key, coalesce(now.position, past.position) as position
    from reference_age_bands as now
    full join extract.age_bands as past on past.band::varchar = now.band
    where
        row(now."group", now.from_age, now.to_age, now.position)
        is distinct from row(past."group", past.from_age, past.to_age, past.position)
),
-- What a term that is delivered is taken for, by its key or name. Beyond those of a reference table the extract has
-- terms as reported, which are taken for themselves.
terms_now as (
    select term, min_by(row(effect, name, listed, serious), position) as told
    from (
        select as_term(unnest([effect, name])) as term, * from reference_effects
    )
    group by term
),
terms_before as (
    select term, min_by(row(effect, name, listed, serious), position) as told
    from (
        select as_term(unnest([effect, name])) as term, * from (
            select effect::varchar as effect, name, listed, serious, position from extract.effects
        )
    )
    group by term
),
-- A side effect holds the term that it was taken for.
others as (
    select coalesce(past.told[1], term) as effect
    from terms_now as now
    full join terms_before as past using (term)
    where
        now.told is distinct from past.told
        and not (now.told is null and past.told = row(term, past.told[2], false, false))
),
effects as (
    select as_term(effect) as key, count(*) as rows
    from (
        select effect::varchar as effect from extract.side_effects
        union all
        select term from extract.waiting_side_effects
    )
    where as_term(effect) in (select as_term(effect) from others)
    group by key
)
select
    'sites' as name, key, fault, null::date as from_on, null::date as first_on, null::date as last_on,
    rows, position
from sites
where fault is not null
union all
select 'services', key, fault, null, null, null, rows, position
from services
where fault is not null
union all
select
    'services', service, 'minutes', nullif(from_on, $ever::date), first_on, last_on, rows,
    row_number() over (order by service, from_on)
from minutes
union all
select 'age_bands', key, 'band', null, null, null, null, position
from age_bands
union all
select 'effects', key, 'term', null, null, null, rows, row_number() over (order by key)
from effects
order by name, position, key
