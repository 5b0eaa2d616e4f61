-- Days between a patient's ketamine infusions, the later one in the period.
-- grain: site × phase (induction, later) × days
-- parameters: start, end, sites, bands
-- serves: courses
select site, phase, days, sum(infusions)::bigint as infusions
from infusion_gaps
where starts_on between $start and $end
    and site = any($sites::site[])
    and band = any($bands::band[])
group by all
order by all
