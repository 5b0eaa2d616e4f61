-- Rows of the reference tables that are others than those of the extract before, by table, what became of them and the
-- days for which they differ: null where these are all days before or after. Of closures the date is the key.
-- parameters: ever, forever (before and after all days)
with now as (
    select
        'sites' as name, sites.site::varchar as key, from_on, until_on,
        row(sites.name, city, timezone, chairs, opens, closes, open_days)::varchar as content
    from sites
    inner join site_hours as hours on hours.site = sites.site
    union all
    select
        'services', services.service::varchar, from_on, until_on,
        row(services.name, line, minutes, list_price_cents)::varchar
    from services
    inner join service_prices as prices on prices.service = services.service
    union all
    select 'closures', closed_on::varchar, $ever::date, $forever::date, string_agg(site::varchar, ' ' order by site::varchar)
    from closures
    group by closed_on
    union all
    select 'effects', effect, $ever::date, $forever::date, row(name, listed, serious)::varchar from reference_effects
    union all
    select 'age_bands', band::varchar, $ever::date, $forever::date, row("group", from_age, to_age)::varchar from age_bands
),
earlier as (
    select
        'sites' as name, site as key, from_on, until_on,
        row(name, city, timezone, chairs, opens, closes, open_days)::varchar as content
    from sites_before
    union all
    select 'services', service, from_on, until_on, row(name, line, minutes, list_price_cents)::varchar
    from services_before
    union all
    select 'closures', closed_on::varchar, $ever::date, $forever::date, string_agg(site, ' ' order by site)
    from closures_before
    group by closed_on
    union all
    -- Beyond the reference table there are terms that an event has.
    select 'effects', effect::varchar, $ever::date, $forever::date, row(name, listed, serious)::varchar
    from before.effects
    where listed or serious or effect::varchar in (select effect from reference_effects)
    union all
    select 'age_bands', band::varchar, $ever::date, $forever::date, row("group", from_age, to_age)::varchar
    from before.age_bands
),
-- The days from which either has another row; up to the next of them neither changes.
firsts as (
    select name, key, from_on from now
    union
    select name, key, from_on from earlier
),
parts as (
    select
        name, key, from_on,
        coalesce(lead(from_on) over (partition by name, key order by from_on) - 1, $forever::date) as until_on
    from firsts
),
compared as (
    select
        parts.name,
        parts.key,
        case
            when bool_and(earlier.key is null) then 'added'
            when bool_and(now.key is null) then 'removed'
            else 'changed'
        end as became,
        nullif(min(parts.from_on), $ever::date) as from_on,
        nullif(max(parts.until_on), $forever::date) as until_on
    from parts
    left join now
        on now.name = parts.name and now.key = parts.key and parts.from_on between now.from_on and now.until_on
    left join earlier
        on earlier.name = parts.name and earlier.key = parts.key
        and parts.from_on between earlier.from_on and earlier.until_on
    where now.content is distinct from earlier.content
    group by parts.name, parts.key
)
select name, became, from_on, until_on, list(key order by key) as keys
from compared
group by name, became, from_on, until_on
order by name, became, from_on nulls first, until_on
