-- Ids that are numbers of rows and stand for another record in the extract: of another booking or patient, or another day.
-- parameters: begins (how these ids of a file begin)
with found as (
    select now.booking_id as id
    from read_bookings as now
    inner join patients on patients.patient_id = now.patient_id
    inner join extract.bookings as past on past.booking_id = now.booking_id
    where now.faults = 0 and (past.patient <> patients.patient or past.starts_on <> now.starts_at::date)
    union all
    select now.event_id
    from read_side_effects as now
    inner join (
        select event_id, booking_id from extract.side_effects
        union all
        select event_id, booking_id from extract.waiting_side_effects
    ) as past on past.event_id = now.event_id
    where now.faults = 0 and past.booking_id <> now.booking_id
    union all
    select now.payment_id
    from read_payments as now
    inner join patients on patients.patient_id = now.patient_id
    inner join (
        select payment_id, patient, paid_on from extract.payments
        union all
        select payment_id, patient, coalesce(paid_local, timezone('UTC', paid_instant))::date
        from extract.waiting_payments
    ) as past on past.payment_id = now.payment_id
    where
        now.faults = 0
        -- The day of a moment depends on the site, which is not known yet.
        and (
            past.patient <> patients.patient
            or abs(coalesce(now.paid_local, timezone('UTC', now.paid_instant))::date - past.paid_on) > 1
        )
    union all
    select now.score_id
    from read_scores as now
    inner join patients on patients.patient_id = now.patient_id
    inner join (
        select score_id, patient, taken_on from extract.scores
        union all
        select score_id, patient, coalesce(taken_local, timezone('UTC', taken_instant))::date
        from extract.waiting_scores
    ) as past on past.score_id = now.score_id
    where
        now.faults = 0
        and (
            past.patient <> patients.patient
            or abs(coalesce(now.taken_local, timezone('UTC', now.taken_instant))::date - past.taken_on) > 1
        )
)
select min(id) from found where starts_with(id, $begins)
