-- Days between a patient's ketamine infusions, the later one in the period.
-- grain: site × phase (induction, later) × days
-- parameters: start, end, sites, bands
-- serves: courses
select site, phase, days, sum(infusions)::bigint as infusions
from infusion_gaps
where starts_on between $start and $end
    and list_contains($sites::site[], site)
    and list_contains($bands::band[], band)
group by all
order by all
