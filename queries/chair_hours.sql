-- What completed visits with a price brought, and the time that they took in the chair.
-- grain: site × line
-- parameters: start, end, sites, lines, bands
-- serves: service_mix
select
    site,
    line,
    coalesce(sum(price_cents), 0)::bigint as invoiced_cents,
    coalesce(sum(chair_minutes), 0)::bigint as chair_minutes
from bookings
where status = 'completed'
    and price_cents is not null
    and starts_on between $start and $end
    and site = any($sites::site[])
    and line = any($lines::line[])
    and band = any($bands::band[])
group by all
order by all
