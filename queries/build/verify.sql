-- What must hold before publication: one row a claim, with both sides.
select
    'rows read = accepted + rejected + left out in ' || file as claim,
    rows_read as expected,
    rows_accepted + rows_rejected + rows_left_out as found
from sources
union all
select
    'rows left out in ' || sources.file || ', ' || sources.source,
    rows_left_out,
    (
        select coalesce(sum(rows), 0)::bigint from left_out
        where left_out.file = sources.file and left_out.source = sources.source and what = sources.source
    )
from sources
union all
select
    'rows accepted = rows of ' || source,
    sum(rows_accepted)::bigint,
    case source
        when 'bookings' then (select count(*) from bookings)
        when 'side_effects' then (select count(*) from side_effects)
        when 'payments' then (select count(*) from payments)
        else (select count(*) from scores)
    end
from sources
group by source
union all
select
    'resources read = accepted + rejected + looked up + left out in ' || file || ', ' || resource,
    rows_read,
    rows_accepted + rows_rejected + rows_looked_up + rows_left_out
from resources
union all
select
    'resources left out in ' || file || ', ' || resource,
    rows_left_out,
    (
        select coalesce(sum(rows), 0)::bigint from left_out
        where left_out.file = resources.file and source = resource and what = resource
    )
from resources
union all
select 'bookings in daily', (select count(*) from bookings), (select coalesce(sum(bookings), 0)::bigint from daily)
union all
select
    'chair minutes in daily',
    (
        select coalesce(sum(chair_minutes), 0)::bigint from bookings
        where status not in ('cancelled', 'late_cancelled')
    ),
    (select coalesce(sum(scheduled_minutes), 0)::bigint from daily)
union all
select
    'cents invoiced in daily',
    (select coalesce(sum(price_cents), 0)::bigint from bookings where status = 'completed'),
    (select coalesce(sum(invoiced_cents), 0)::bigint from daily)
union all
select
    'cents in daily_payments',
    (select coalesce(sum(amount_cents), 0)::bigint from payments),
    (select coalesce(sum(amount_cents), 0)::bigint from daily_payments)
union all
select
    'new patients in daily',
    (select count(distinct patient) from bookings where status in ('arrived', 'completed')),
    (select coalesce(sum(new_patients), 0)::bigint from daily)
union all
select
    'patients with a completed ketamine infusion in courses',
    (select count(distinct patient) from bookings where line = 'ketamine' and status = 'completed'),
    (select count(*) from courses)
union all
select
    'completed ketamine infusions in courses and after a gap',
    (select count(*) from bookings where line = 'ketamine' and status = 'completed'),
    (select count(*) from courses) + (select coalesce(sum(infusions), 0)::bigint from infusion_gaps)
union all
select
    'days of all sites in calendar',
    (select count(distinct date) from calendar) * (select count(*) from sites),
    (select count(*) from calendar)
union all
select 'bookings in hourly', (select count(*) from bookings), (select coalesce(sum(bookings), 0)::bigint from hourly)
union all
select
    'events in daily_effects',
    (select count(*) from side_effects),
    (select coalesce(sum(events), 0)::bigint from daily_effects)
union all
select
    'infusions with an effect in daily_effects',
    (select count(distinct (booking_id, effect)) from side_effects where status = 'completed'),
    (select coalesce(sum(infusions), 0)::bigint from daily_effects)
union all
select
    'completed bookings that are first at a site or follow another',
    count(*) filter (where status = 'completed'),
    count(*) filter (where infusion = 1) + count(next_on)
from bookings
union all
select
    'completed infusions in daily_returns',
    (select count(*) from bookings where status = 'completed'),
    (select coalesce(sum(infusions), 0)::bigint from daily_returns where effect is null)
union all
select
    'infusions with an effect in daily_returns',
    (select count(*) from side_effects where first_of_kind and status = 'completed'),
    (
        select coalesce(sum(infusions), 0)::bigint
        from daily_returns
        where effect not in ('any effect', 'any serious')
    )
union all
select
    'patients in daily_patients and patients_apart',
    (select coalesce(sum(new_patients), 0)::bigint from daily),
    (
        select coalesce(sum(visits), 0)::bigint
        from daily_patients
        where counted = 1 and of_all and next_on is null
    ) + (select count(distinct patient) from patients_apart)
union all
select
    'completed bookings in daily_patients and of patients_apart',
    (select count(*) from bookings where status = 'completed'),
    (select coalesce(sum(visits), 0)::bigint from daily_patients where counted = 1 and line is not null)
    + (select count(*) from bookings where status = 'completed' and patient in (select patient from patients_apart))
union all
select
    'visits with an effect in daily',
    (select count(distinct booking_id) from side_effects where status = 'completed'),
    (select coalesce(sum(with_effect), 0)::bigint from daily)
union all
select
    'late side-effect forms in worklist_forms',
    (select coalesce(sum(missing), 0)::bigint from late_forms),
    (select count(*) from worklist_forms)
