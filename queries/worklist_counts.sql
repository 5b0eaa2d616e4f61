-- Rows of each worklist and what its heading tells of them.
-- grain: list × site
-- parameters: sites, until (the last full day), near (days to day 28)
-- serves: worklists
with counted as (
    select
        'worklist_inductions' as list,
        site,
        count(*)::bigint as rows,
        (count(*) filter (where 6 - done - ahead > date_diff('day', $until::date, day_28)))::bigint as late
    from worklist_inductions
    where list_contains($sites::site[], site)
        and day_28 <= $until::date + $near::integer
    group by site
    union all by name
    select 'worklist_boosters' as list, site, count(*)::bigint as rows, any_value(usual_days) as usual_days
    from worklist_boosters
    where list_contains($sites::site[], site)
    group by site
    union all by name
    -- A patient is at one site, that of the first infusion.
    select
        'worklist_scores' as list,
        site,
        count(*)::bigint as rows,
        count(distinct patient)::bigint as patients,
        (count(*) filter (where lacks_phq_9))::bigint as lack_phq_9,
        (count(*) filter (where lacks_gad_7))::bigint as lack_gad_7,
        (count(*) filter (where to_on = $until::date + 1))::bigint as on_last_day
    from worklist_scores
    where list_contains($sites::site[], site)
    group by site
    union all by name
    select
        'worklist_forms' as list,
        site,
        count(*)::bigint as rows,
        date_diff('day', min(starts_on), $until::date)::bigint as oldest_days
    from worklist_forms
    where list_contains($sites::site[], site)
    group by site
    union all by name
    select
        'worklist_no_shows' as list,
        site,
        count(*)::bigint as rows,
        (count(*) filter (where line = 'ketamine'))::bigint as ketamine
    from worklist_no_shows
    where list_contains($sites::site[], site)
    group by site
)
select * from counted
order by list, site
