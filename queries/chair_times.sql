-- When chairs are taken: visits of one local day, and of the evening before, by start and length.
-- grain: site × local start × minutes × kind; kind: ahead or walk_in for visits that came or are booked, no_show
-- parameters: day (local date), sites, lines, bands
-- serves: today
select
    site::varchar as site,
    starts_at,
    chair_minutes as minutes,
    case
        when status = 'no_show' then 'no_show'
        when regexp_replace(lower(channel), '[^a-z]', '', 'g') = 'walkin' then 'walk_in'
        else 'ahead'
    end as kind,
    count(*)::bigint as visits
from bookings
where starts_on between $day::date - 1 and $day::date
    and status not in ('cancelled', 'late_cancelled')
    and chair_minutes > 0
    and list_contains($sites::site[], site)
    and list_contains($lines::line[], line)
    and list_contains($bands::band[], band)
group by all
order by all
