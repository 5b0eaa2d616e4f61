-- Accepted rows whose values are possible and improbable; they count like all others.
-- grain: source × column × rule × site
create table oddities as
with known as (
    select service::service as service, from_on, until_on, minutes, list_price_cents from reference_service_prices
),
dearest as (
    select max(list_price_cents) as cents from reference_service_prices
),
days as (
    select built_at::date as built_on, last_full_day from extract_info
),
judged as (
    select
        bookings.*,
        known.minutes as usual_minutes,
        known.list_price_cents as list_cents,
        status in ('arrived', 'completed') as visited
    from bookings
    inner join known
        on known.service = bookings.service and bookings.starts_on between known.from_on and known.until_on
),
flagged as (
    select
        'bookings' as source, site,
        unnest([
            if(age < 12, {'column_name': 'age', 'rule': 'younger than 12', 'value': age::double}, null),
            if(
                visited and (chair_minutes > 4 * usual_minutes or chair_minutes * 4 < usual_minutes),
                {'column_name': 'chair_minutes', 'rule': 'below a quarter or above four times the usual minutes of the service', 'value': chair_minutes::double},
                null
            ),
            if(
                price_cents > 3 * list_cents or (price_cents > 0 and price_cents * 3 < list_cents),
                {'column_name': 'price', 'rule': 'below a third or above three times the list price (dollars)', 'value': price_cents / 100.0},
                null
            ),
            if(
                dose_mg = 0 or (line = 'ketamine' and dose_mg > 250),
                {'column_name': 'dose_mg', 'rule': 'a dose of 0, or above 250 mg of ketamine', 'value': dose_mg::double},
                null
            ),
            if(lead_days < 0, {'column_name': 'booked_at', 'rule': 'booked after the visit (days)', 'value': lead_days::double}, null),
            if(
                visited and starts_on > built_on + 1,
                {'column_name': 'status', 'rule': 'arrived or completed in the future (days ahead)', 'value': (starts_on - built_on)::double},
                null
            ),
            if(
                status = 'booked' and starts_on < last_full_day - 7,
                {'column_name': 'status', 'rule': 'still booked a week after the day (days ago)', 'value': (last_full_day - starts_on)::double},
                null
            )
        ]) as found
    from judged, days
    -- Most rows have nothing odd, and an unnested list for each would cost more than all the rest.
    where
        age < 12
        or (visited and (chair_minutes > 4 * usual_minutes or chair_minutes * 4 < usual_minutes))
        or price_cents > 3 * list_cents or (price_cents > 0 and price_cents * 3 < list_cents)
        or dose_mg = 0 or (line = 'ketamine' and dose_mg > 250)
        or lead_days < 0
        or (visited and starts_on > built_on + 1)
        or (status = 'booked' and starts_on < last_full_day - 7)
    union all
    select
        'bookings', site,
        {'column_name': 'booking_id', 'rule': 'the same patient, service and start under several ids', 'value': count(*)::double}
    from bookings
    where status in ('arrived', 'completed')
    group by patient, service, starts_at, site
    having count(*) > 1
    union all
    select
        'side_effects', site,
        {'column_name': 'resolved_at', 'rule': 'lasted more than a week (days)', 'value': duration_minutes / 1440.0}
    from side_effects
    where duration_minutes > 7 * 1440
    union all
    select
        'side_effects', site,
        {'column_name': 'onset_at', 'rule': 'began more than two weeks after the visit (days)', 'value': onset_minutes / 1440.0}
    from side_effects
    where onset_minutes > 14 * 1440
    union all
    select
        'payments', site,
        {'column_name': 'amount', 'rule': 'zero, or above ten times the highest list price (dollars)', 'value': amount_cents / 100.0}
    from payments, dearest
    where amount_cents = 0 or amount_cents > 10 * dearest.cents
    union all
    select
        'payments', site,
        {'column_name': 'paid_at', 'rule': 'paid in the future (days ahead)', 'value': (paid_on - built_on)::double}
    from payments, days
    where paid_on > built_on + 1
    union all
    select
        'scores', site,
        {'column_name': 'score', 'rule': 'changed by 15 points or more within three days (points)', 'value': abs(step)::double}
    from (
        select
            site, taken_on,
            score::integer - lag(score::integer) over patients as step,
            lag(taken_on) over patients as taken_before
        from scores
        window patients as (partition by patient, instrument order by taken_at, score_id)
    )
    where abs(step) >= 15 and taken_on - taken_before <= 3
    union all
    select
        'scores', site,
        {'column_name': 'taken_at', 'rule': 'taken in the future (days ahead)', 'value': (taken_on - built_on)::double}
    from scores, days
    where taken_on > built_on + 1
)
select
    source,
    site,
    found.column_name as column_name,
    found.rule as rule,
    count(*)::bigint as rows,
    min(found.value) as lowest,
    max(found.value) as highest
from flagged
where found is not null
group by source, site, found.column_name, found.rule
order by source, found.column_name, found.rule, site
