-- What chance does to the change of ketamine's share of completed visits between two periods, where each patient comes
-- several times: the variance of the difference of both shares, by patients, who may be in both periods.
-- Linearised (Woodruff 1971, JASA 66:411-414): of each patient the deviation of ketamine visits from what the
-- share of the period would give of all visits, over the period's visits, then less before.
-- grain: one row for each site, and one over all sites asked for (site null)
-- parameters: start, end, before_start, before_end (inclusive local dates), sites, lines, bands, one_in (one of so
--   many patients)
-- serves: service_mix
with visits as (
    select
        site,
        patient,
        line = 'ketamine' as ketamine,
        starts_on between $start and $end as now,
        starts_on between $before_start and $before_end as earlier
    from bookings
    where status = 'completed'
        and (starts_on between $start and $end or starts_on between $before_start and $before_end)
        and patient % $one_in::integer = 0
        and list_contains($sites::site[], site)
        and list_contains($lines::line[], line)
        and list_contains($bands::band[], band)
),
patients as (
    select
        site,
        patient,
        count_if(now) as visits,
        count_if(now and ketamine) as ketamine,
        count_if(earlier) as visits_before,
        count_if(earlier and ketamine) as ketamine_before
    from visits
    group by grouping sets ((patient), (site, patient))
),
shares as (
    select
        site,
        sum(visits)::double as visits,
        sum(ketamine)::double as ketamine,
        sum(visits_before)::double as visits_before,
        sum(ketamine_before)::double as ketamine_before
    from patients
    group by site
    having sum(visits) > 0 and sum(visits_before) > 0
)
select
    shares.site::varchar as site,
    sum(
        pow(
            (patients.ketamine - shares.ketamine / shares.visits * patients.visits) / shares.visits
            - (patients.ketamine_before - shares.ketamine_before / shares.visits_before * patients.visits_before)
            / shares.visits_before,
            2
        )
    ) as by_patients,
    any_value(
        shares.ketamine * (shares.visits - shares.ketamine) / pow(shares.visits, 3)
        + shares.ketamine_before * (shares.visits_before - shares.ketamine_before) / pow(shares.visits_before, 3)
    ) as by_visits
from shares
inner join patients on patients.site is not distinct from shares.site
group by shares.site
order by shares.site
