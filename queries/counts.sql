-- Additive counts and sums of bookings, by whichever dimensions $by names.
-- grain: one row for each combination of period, site, line, service, band, status, weekday in $by;
--   period is the day, the Monday or the first of the month as $grain says
-- parameters: start, end (inclusive local dates), sites, lines, bands, by (list of text), grain
-- serves: today bookings service_mix safety age_groups
-- hides: with_effect with_severe with_serious
select
    case
        when not list_contains($by, 'period') then null
        when $grain = 'week' then date_trunc('week', starts_on)::date
        when $grain = 'month' then date_trunc('month', starts_on)::date
        else starts_on
    end as period,
    case when list_contains($by, 'site') then site end as site,
    case when list_contains($by, 'line') then line end as line,
    case when list_contains($by, 'service') then service end as service,
    case when list_contains($by, 'band') then band end as band,
    case when list_contains($by, 'status') then status end as status,
    sum(bookings)::bigint as bookings,
    coalesce(sum(bookings) filter (where status = 'booked'), 0)::bigint as booked,
    coalesce(sum(bookings) filter (where status = 'arrived'), 0)::bigint as arrived,
    sum(completed)::bigint as completed,
    coalesce(sum(bookings) filter (where status = 'cancelled'), 0)::bigint as cancelled,
    coalesce(sum(bookings) filter (where status = 'late_cancelled'), 0)::bigint as late_cancelled,
    coalesce(sum(bookings) filter (where status = 'no_show'), 0)::bigint as no_show,
    coalesce(sum(bookings) filter (where status in ('arrived', 'completed')), 0)::bigint as visits,
    coalesce(sum(bookings) filter (where status in ('arrived', 'completed', 'no_show')), 0)::bigint as expected,
    sum(new_patients)::bigint as new_patients,
    coalesce(sum(bookings) filter (where status in ('arrived', 'completed')), 0)::bigint - sum(new_patients)::bigint as returning_visits,
    coalesce(sum(chair_minutes) filter (where status in ('arrived', 'completed')), 0)::bigint as used_minutes,
    coalesce(sum(chair_minutes) filter (where status not in ('cancelled', 'late_cancelled')), 0)::bigint as scheduled_minutes,
    coalesce(sum(price_cents) filter (where status = 'completed'), 0)::bigint as invoiced_cents,
    coalesce(sum(completed) filter (where line = 'ketamine'), 0)::bigint as ketamine_completed,
    coalesce(sum(completed) filter (where line <> 'ketamine'), 0)::bigint as drip_completed,
    sum(assessed)::bigint as assessed,
    sum(with_effect)::bigint as with_effect,
    sum(with_severe)::bigint as with_severe,
    sum(with_serious)::bigint as with_serious,
    coalesce(sum(supervised_anesthesiologist) filter (where line = 'ketamine'), 0)::bigint as by_anesthesiologist,
    coalesce(sum(supervised_physician) filter (where line = 'ketamine'), 0)::bigint as by_physician,
    coalesce(sum(supervised_other) filter (where line = 'ketamine'), 0)::bigint as by_other,
    coalesce(sum(supervised_none) filter (where line = 'ketamine'), 0)::bigint as by_none,
    coalesce(sum(supervised_not_recorded) filter (where line = 'ketamine'), 0)::bigint as by_not_recorded
from daily
where starts_on between $start and $end
    and site = any($sites::site[])
    and line = any($lines::line[])
    and band = any($bands::band[])
group by all
order by all
