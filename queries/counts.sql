-- Additive counts and sums of bookings, by whichever dimensions $by names.
-- grain: one row for each combination of period, site, line, service, band, status, weekday in $by;
--   period is the day, the Monday or the first of the month as $grain says
-- parameters: start, end (inclusive local dates), sites, lines, bands, by (list of text), grain
-- serves: today bookings service_mix safety age_groups signals
-- hides: with_effect with_severe with_serious
-- Cases instead of filters: DuckDB takes half as long to plan them, which is most of this query's time.
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
    sum(case when status = 'booked' then bookings else 0 end)::bigint as booked,
    sum(case when status = 'arrived' then bookings else 0 end)::bigint as arrived,
    sum(completed)::bigint as completed,
    sum(case when status = 'cancelled' then bookings else 0 end)::bigint as cancelled,
    sum(case when status = 'late_cancelled' then bookings else 0 end)::bigint as late_cancelled,
    sum(case when status = 'no_show' then bookings else 0 end)::bigint as no_show,
    sum(case when status in ('arrived', 'completed') then bookings else 0 end)::bigint as visits,
    sum(case when status in ('arrived', 'completed', 'no_show') then bookings else 0 end)::bigint as expected,
    sum(
        case
            when status in ('arrived', 'completed', 'no_show') then bookings
            when status in ('booked', 'late_cancelled') and starts_on <= (select last_full_day from extract_info) then bookings
            else 0
        end
    )::bigint as scheduled,
    sum(new_patients)::bigint as new_patients,
    sum(case when status in ('arrived', 'completed') then bookings else 0 end)::bigint - sum(new_patients)::bigint as returning_visits,
    coalesce(sum(chair_minutes) filter (where status in ('arrived', 'completed')), 0)::bigint as used_minutes,
    coalesce(sum(chair_minutes) filter (where status not in ('cancelled', 'late_cancelled')), 0)::bigint as scheduled_minutes,
    coalesce(sum(price_cents) filter (where status = 'completed'), 0)::bigint as invoiced_cents,
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
    and site = any($sites::site[])
    and line = any($lines::line[])
    and band = any($bands::band[])
group by all
order by all
