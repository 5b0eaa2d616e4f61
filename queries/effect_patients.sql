-- Distinct patients with a side effect after a completed infusion, exact: over all, by site, line and band; what a row
-- isn't by is null. All in one answer, since a page asks for each of them.
-- level: 4, 2 and 1 added up for what a row is not by: site, line, band.
-- grain: one row for each effect and value of ∅, site, line, band
-- parameters: start, end, sites, lines, bands
-- serves: safety age_groups
-- hides: patients
select
    (4 * grouping(site) + 2 * grouping(line) + grouping(band))::utinyint as level,
    site,
    line,
    band,
    effect,
    count(distinct patient)::bigint as patients
from side_effects
where starts_on between $start and $end
    and status = 'completed'
    and list_contains($sites::site[], site)
    and list_contains($lines::line[], line)
    and list_contains($bands::band[], band)
group by grouping sets ((effect), (site, effect), (line, effect), (band, effect))
order by all
