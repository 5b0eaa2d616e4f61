-- Reference tables in which the delivery and the extract differ, by the names of their files.
select 'sites' as name
where exists (
    select site, name, city, timezone, position from reference_sites
    except
    select site::varchar, name, city, timezone, position from extract.sites
) or (select count(*) from reference_sites) <> (select count(*) from extract.sites)
or exists (
    select * from reference_site_hours
    except
    select site::varchar, from_on, until_on, chairs, opens, closes, open_days from extract.site_hours
) or (select count(*) from reference_site_hours) <> (select count(*) from extract.site_hours)
union all
select 'closures'
where exists (
    select * from reference_closures
    except
    select site::varchar, closed_on from extract.closures
) or (select count(*) from reference_closures) <> (select count(*) from extract.closures)
union all
select 'services'
where exists (
    select service, name, line, position from reference_services
    except
    select service::varchar, name, line::varchar, position from extract.services
) or (select count(*) from reference_services) <> (select count(*) from extract.services)
or exists (
    select * from reference_service_prices
    except
    select service::varchar, from_on, until_on, minutes, list_price_cents from extract.service_prices
) or (select count(*) from reference_service_prices) <> (select count(*) from extract.service_prices)
union all
select 'age_bands'
where exists (
    select band, "group", from_age, to_age, position from reference_age_bands
    except
    select band::varchar, "group", from_age, to_age, position from extract.age_bands
) or (select count(*) from reference_age_bands) <> (select count(*) from extract.age_bands)
union all
-- Beyond those of the reference table there are only terms that an event has.
select 'effects'
where exists (
    select effect, name, listed, serious, position from reference_effects
    except
    select effect::varchar, name, listed, serious, position from extract.effects
) or exists (
    select 1 from extract.effects
    where
        position > (select count(*) from reference_effects)
        and (listed or serious or effect not in (select effect from extract.side_effects))
)
