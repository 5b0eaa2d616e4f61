-- As patients.sql, of any choice of service lines: counted in the bookings.
-- Distinct patients, exact: over all, by site, line, band, and by site and line at once; what a row isn't by is null.
-- level: 4, 2 and 1 added up for what a row is not by: site, line, band.
-- A patient seen at two sites, in two lines or on both sides of a birthday counts in each row, once in a row that spans
-- them. All in one answer, since a page asks for most of them and reading the bookings is what takes the time.
-- grain: one row for each value of ∅, site, line, band, site × line
-- parameters: start, end, sites, lines, bands
-- serves: today service_mix safety age_groups bookings
-- hides: patients_with_effect patients_with_severe patients_with_serious
with told as (
    -- What is known of a patient, one bit each: or-ed they cost a fraction of as many aggregates.
    select
        site,
        line,
        band,
        patient,
        bit_or(
            case
                when status = 'completed' then
                    1
                    + if(has_effect, 2, 0)
                    + if(has_severe, 4, 0)
                    + if(has_serious, 8, 0)
                    + if(line = 'ketamine', if(mental_health_provider = 'yes', 48, 16), 0)
                else 0
            end::utinyint
        ) as flags
    from bookings
    where starts_on between $start and $end
        and status in ('arrived', 'completed')
        and list_contains($sites::site[], site)
        and list_contains($lines::line[], line)
        and list_contains($bands::band[], band)
    group by all
),
-- Most patients have one site, line and band in a period: they count alike at every level, and aren't taken one by one.
several as (
    select patient
    from told
    group by patient
    having count(*) > 1
),
alike as (
    select site, line, band, flags, count(*) as patients
    from told
    anti join several on several.patient = told.patient
    group by all
),
apart as (
    select
        (4 * grouping(site) + 2 * grouping(line) + grouping(band))::utinyint as level, site, line, band, told.patient, bit_or(flags) as flags
    from told
    semi join several on several.patient = told.patient
    group by grouping sets ((told.patient), (site, told.patient), (line, told.patient), (band, told.patient), (site, line, told.patient))
),
seen as (
    select
        (4 * grouping(site) + 2 * grouping(line) + grouping(band))::utinyint as level, site, line, band, flags, sum(patients) as patients
    from alike
    group by grouping sets ((flags), (site, flags), (line, flags), (band, flags), (site, line, flags))
    union all
    select level, site, line, band, flags, count(*)
    from apart
    group by all
)
select
    level,
    site,
    line,
    band,
    sum(patients)::bigint as patients,
    sum(if(flags & 1 = 0, 0, patients))::bigint as treated_patients,
    sum(if(flags & 2 = 0, 0, patients))::bigint as patients_with_effect,
    sum(if(flags & 4 = 0, 0, patients))::bigint as patients_with_severe,
    sum(if(flags & 8 = 0, 0, patients))::bigint as patients_with_serious,
    sum(if(flags & 16 = 0, 0, patients))::bigint as ketamine_patients,
    sum(if(flags & 32 = 0, 0, patients))::bigint as coordinated_patients
from seen
group by all
order by all
