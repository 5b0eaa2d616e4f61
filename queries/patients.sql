-- Distinct patients, exact: over all, by site, line, band, and by site and line at once; what a row isn't by is null.
-- level: 4, 2 and 1 added up for what a row is not by: site, line, band.
-- A patient seen at two sites, in two lines or on both sides of a birthday counts in each row, once in a row that spans
-- them. All in one answer, since a page asks for most of them.
-- Of one line or of all; of some, patients_of_lines.sql tells the same from the bookings.
-- grain: one row for each value of ∅, site, line, band, site × line
-- parameters: start, end, sites, lines, bands
-- serves: today service_mix safety age_groups bookings
-- hides: patients_with_effect patients_with_severe patients_with_serious
with last_visits as (
    select
        site,
        line,
        band,
        of_all,
        sum(if(counted = 1, visits, 0)) as patients,
        sum(if(counted = 2, visits, 0)) as with_effect,
        sum(if(counted = 4, visits, 0)) as with_severe,
        sum(if(counted = 8, visits, 0)) as with_serious,
        sum(if(counted = 1 and line = 'ketamine', visits, 0)) as ketamine,
        sum(if(counted = 32, visits, 0)) as coordinated
    from daily_patients
    where starts_on between $start and $end
        and (next_on is null or next_on > $end)
        and counted <> 64
        and list_contains($sites::site[], site)
        and (line is null or list_contains($lines::line[], line))
        and list_contains($bands::band[], band)
    group by all
),
placed as (
    select *, true as by_line, true as counts from last_visits where line is not null
    union all
    select *, false, if(len($lines) = 1, line is not null, of_all) from last_visits
),
settled as (
    select
        (4 * grouping(site) + 2 * grouping(line) + grouping(band))::utinyint as level,
        by_line,
        site,
        line,
        band,
        sum(if(counts, patients, 0)) as patients,
        sum(if(counts, with_effect, 0)) as with_effect,
        sum(if(counts, with_severe, 0)) as with_severe,
        sum(if(counts, with_serious, 0)) as with_serious,
        sum(ketamine) as ketamine,
        sum(coordinated) as coordinated
    from placed
    group by grouping sets ((by_line), (by_line, site), (by_line, line), (by_line, band), (by_line, site, line))
),
apart as (
    select
        (4 * grouping(site) + 2 * grouping(line) + grouping(band))::utinyint as level,
        site,
        line,
        band,
        bit_or(flags) as flags
    from patients_apart
    where starts_on between $start and $end
        and list_contains($sites::site[], site)
        and list_contains($lines::line[], line)
        and list_contains($bands::band[], band)
    group by grouping sets ((patient), (site, patient), (line, patient), (band, patient), (site, line, patient))
),
seen as (
    select level, site, line, band, patients, patients as treated, with_effect, with_severe, with_serious, ketamine, coordinated
    from settled
    where by_line = (level & 2 = 0) and patients > 0
    union all
    select
        level,
        site,
        line,
        band,
        count(*),
        count_if(flags & 1 > 0),
        count_if(flags & 2 > 0),
        count_if(flags & 4 > 0),
        count_if(flags & 8 > 0),
        count_if(flags & 16 > 0),
        count_if(flags & 32 > 0)
    from apart
    group by all
)
select
    level,
    site,
    line,
    band,
    sum(patients)::bigint as patients,
    sum(treated)::bigint as treated_patients,
    sum(with_effect)::bigint as patients_with_effect,
    sum(with_severe)::bigint as patients_with_severe,
    sum(with_serious)::bigint as patients_with_serious,
    sum(ketamine)::bigint as ketamine_patients,
    sum(coordinated)::bigint as coordinated_patients
from seen
group by all
order by all
