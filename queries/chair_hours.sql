-- What completed visits with a price brought, and the time that they took in the chair.
-- grain: site × line
-- parameters: start, end, sites, lines, bands
-- serves: service_mix
select
    site,
    line,
    sum(invoiced_cents)::bigint as invoiced_cents,
    sum(invoiced_minutes)::bigint as chair_minutes
from daily
where starts_on between $start and $end
    and invoices > 0
    and list_contains($sites::site[], site)
    and list_contains($lines::line[], line)
    and list_contains($bands::band[], band)
group by all
order by all
