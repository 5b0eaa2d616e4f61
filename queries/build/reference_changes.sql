-- Rows of the reference tables that are others than those of the extract before, by table and what became of them.
with now as (
    select 'sites' as name, site::varchar as key, row(name, city, timezone, chairs, opens, closes, open_days)::varchar as content
    from sites
    union all
    select 'services', service::varchar, row(name, line, minutes, list_price_cents)::varchar from services
    union all
    select 'effects', effect, row(name, listed, serious)::varchar from reference_effects
    union all
    select 'age_bands', band::varchar, row("group", from_age, to_age)::varchar from age_bands
),
earlier as (
    select 'sites' as name, site::varchar as key, row(name, city, timezone, chairs, opens, closes, open_days)::varchar as content
    from before.sites
    union all
    select 'services', service::varchar, row(name, line, minutes, list_price_cents)::varchar from before.services
    union all
    -- Beyond the reference table there are terms that an event has.
    select 'effects', effect::varchar, row(name, listed, serious)::varchar
    from before.effects
    where listed or serious or effect::varchar in (select effect from reference_effects)
    union all
    select 'age_bands', band::varchar, row("group", from_age, to_age)::varchar from before.age_bands
),
compared as (
    select
        coalesce(now.name, earlier.name) as name,
        coalesce(now.key, earlier.key) as key,
        case when earlier.key is null then 'added' when now.key is null then 'removed' else 'changed' end as became
    from now
    full join earlier on earlier.name = now.name and earlier.key = now.key
    where now.content is distinct from earlier.content
)
select name, became, list(key order by key) as keys from compared group by name, became order by name, became
