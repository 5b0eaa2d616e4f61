-- Additive counts of side effects by day of their booking.
-- grain: starts_on × site × line × service × band × effect × severity
create table daily_effects as
select
    starts_on,
    site,
    line,
    service,
    band,
    effect,
    severity,
    cast(count(*) as bigint) as events,
    cast(count(*) filter (where status = 'completed') as bigint) as events_completed,
    cast(count(*) filter (where status = 'completed' and first_of_kind) as bigint) as infusions,
    cast(count(*) filter (where serious) as bigint) as serious,
    cast(count(*) filter (where transfer) as bigint) as transfers
from side_effects
group by starts_on, site, line, service, band, effect, severity
order by starts_on, site, line, service, band, effect, severity
