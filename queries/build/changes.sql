-- What changed against the extract in use, which is attached as `before`; rows are known by their ids.
-- grain: table × site, and (site null) the table as a whole
create temp macro booking_content(b) as hash(
    b.patient, b.service::varchar, b.status::varchar, b.starts_at, b.ends_at, b.booked_on, b.cancelled_at, b.age, b.sex,
    b.indication, b.provider, b.supervision::varchar, b.mental_health_provider::varchar, b.channel, b.chair_minutes,
    b.price_cents, b.assessed, b.dose_mg
);

create temp macro effect_content(e) as hash(
    e.booking_id, e.effect::varchar, e.severity::varchar, e.serious, e.related, e.onset_at, e.resolved_at, e.outcome, e.action
);

insert into changes
with pairs as (
    select
        'bookings' as source, past.site::varchar as site_before, now.site::varchar as site_now,
        booking_content(past) <> booking_content(now) as differs
    from before.bookings as past
    full join bookings as now on now.booking_id = past.booking_id
    union all
    select
        'side_effects', past.site::varchar, now.site::varchar, effect_content(past) <> effect_content(now)
    from before.side_effects as past
    full join side_effects as now on now.event_id = past.event_id
    union all
    select
        'payments', past.site::varchar, now.site::varchar,
        hash(past.patient, past.booking_id, past.paid_at, past.kind, past.method, past.amount_cents)
        <> hash(now.patient, now.booking_id, now.paid_at, now.kind, now.method, now.amount_cents)
    from before.payments as past
    full join payments as now on now.payment_id = past.payment_id
    union all
    select
        'scores', past.site::varchar, now.site::varchar,
        hash(past.patient, past.instrument, past.taken_at, past.score)
        <> hash(now.patient, now.instrument, now.taken_at, now.score)
    from before.scores as past
    full join scores as now on now.score_id = past.score_id
),
counted as (
    select
        source, site_before, site_now,
        count(*) as rows,
        count(*) filter (
            where site_before is not null and site_now is not null and (differs or site_before <> site_now)
        ) as changed
    from pairs
    group by source, site_before, site_now
),
sides as (
    select
        source, site_before as site, rows as rows_before, 0 as rows_now, 0 as added,
        if(site_now is null, rows, 0) as removed, 0 as changed
    from counted
    where site_before is not null
    union all
    select source, site_now, 0, rows, if(site_before is null, rows, 0), 0, changed
    from counted
    where site_now is not null
)
select
    source, site, sum(rows_before)::bigint, sum(rows_now)::bigint, sum(added)::bigint, sum(removed)::bigint,
    sum(changed)::bigint
from sides
group by grouping sets ((source), (source, site))
order by source, site nulls first
