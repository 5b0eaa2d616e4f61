-- Additive counts and sums of bookings, by whichever dimensions $by names.
-- grain: one row for each combination of period, site, line, service, band in $by;
--   period is the day, the Monday or the first of the month as $grain says
-- parameters: start, end (inclusive local dates), sites, lines, bands, by (list of text), grain
-- serves: today bookings service_mix safety age_groups signals
-- hides: with_effect with_severe with_serious
select
    case when list_contains($by, 'period') then date_trunc($grain, starts_on)::date end as period,
    case when list_contains($by, 'site') then site end as site,
    case when list_contains($by, 'line') then line end as line,
    case when list_contains($by, 'service') then service end as service,
    case when list_contains($by, 'band') then band end as band,
    sum(bookings)::bigint as bookings,
    sum(booked)::bigint as booked,
    sum(arrived)::bigint as arrived,
    sum(completed)::bigint as completed,
    sum(cancelled)::bigint as cancelled,
    sum(late_cancelled)::bigint as late_cancelled,
    sum(no_show)::bigint as no_show,
    sum(arrived + completed)::bigint as visits,
    sum(arrived + completed + no_show)::bigint as expected,
    sum(
        arrived + completed + no_show
        + if(starts_on <= (select last_full_day from extract_info), booked + late_cancelled, 0)
    )::bigint as scheduled,
    sum(new_patients)::bigint as new_patients,
    sum(arrived + completed - new_patients)::bigint as returning_visits,
    sum(used_minutes)::bigint as used_minutes,
    sum(scheduled_minutes)::bigint as scheduled_minutes,
    sum(invoiced_cents)::bigint as invoiced_cents,
    sum(case when line = 'ketamine' then completed else 0 end)::bigint as ketamine_completed,
    sum(case when line <> 'ketamine' then completed else 0 end)::bigint as drip_completed,
    sum(assessed)::bigint as assessed,
    sum(with_effect)::bigint as with_effect,
    sum(with_severe)::bigint as with_severe,
    sum(with_serious)::bigint as with_serious,
    sum(case when line = 'ketamine' then supervised_anesthesiologist else 0 end)::bigint as by_anesthesiologist,
    sum(case when line = 'ketamine' then supervised_physician else 0 end)::bigint as by_physician,
    sum(case when line = 'ketamine' then supervised_other else 0 end)::bigint as by_other,
    sum(case when line = 'ketamine' then supervised_none else 0 end)::bigint as by_none,
    sum(case when line = 'ketamine' then supervised_not_recorded else 0 end)::bigint as by_not_recorded
from daily
where starts_on between $start and $end
    and list_contains($sites::site[], site)
    and list_contains($lines::line[], line)
    and list_contains($bands::band[], band)
group by all
order by all
