-- Rows with faults in themselves, one row here for each fault; numbers are places of the flags.
-- Patient ids and birth dates are not shown.
insert into late_rejects
with words as (
    select
        (select string_agg(site, ', ' order by position) from reference_sites) as sites,
        (select string_agg(service, ', ' order by position) from reference_services) as services,
        'is not a time like 2026-01-05 09:00, with Z or an offset if it is not local, from 1990 to 2100' as moment,
        'is longer than 80 characters; deliver a word or code' as long_text,
        'is a number in short form, of which digits are lost; export the column as text' as shortened
),
found as (
    select
        'bookings' as source,
        read.rowid as row,
        faults,
        unnest([
            {'place': 0, 'column_name': 'booking_id', 'value': booking_id, 'reason': shortened},
            {'place': 1, 'column_name': 'patient_id', 'value': null, 'reason': 'is empty'},
            {'place': 2, 'column_name': 'site', 'value': raw['site'], 'reason': 'is not a site; allowed: ' || sites},
            {'place': 3, 'column_name': 'service', 'value': raw['service'], 'reason': 'is not a service; allowed: ' || services},
            {'place': 4, 'column_name': 'starts_at', 'value': raw['starts_at'], 'reason': moment},
            {'place': 5, 'column_name': 'status', 'value': raw['status'], 'reason': 'is not a status; allowed: booked, arrived, completed, cancelled, late_cancelled, no_show'},
            {'place': 6, 'column_name': 'booked_at', 'value': raw['booked_at'], 'reason': moment},
            {'place': 7, 'column_name': 'ends_at', 'value': raw['ends_at'], 'reason': moment},
            {'place': 8, 'column_name': 'ends_at', 'value': raw['ends_at'], 'reason': 'is before starts_at or more than a day after it'},
            {'place': 9, 'column_name': 'cancelled_at', 'value': raw['cancelled_at'], 'reason': moment},
            {'place': 10, 'column_name': 'birth_date', 'value': '(not shown)', 'reason': 'is not a date like 1980-12-31, is after the visit or more than 120 years before it'},
            {'place': 11, 'column_name': 'age', 'value': raw['age'], 'reason': 'is not a whole number from 0 to 120'},
            {'place': 12, 'column_name': 'sex', 'value': raw['sex'], 'reason': long_text},
            {'place': 13, 'column_name': 'indication', 'value': raw['indication'], 'reason': long_text},
            {'place': 14, 'column_name': 'provider', 'value': raw['provider'], 'reason': long_text},
            {'place': 15, 'column_name': 'supervision', 'value': raw['supervision'], 'reason': 'is not allowed; allowed: anesthesiologist, physician, other, none, not_recorded'},
            {'place': 16, 'column_name': 'mental_health_provider', 'value': raw['mental_health_provider'], 'reason': 'is not allowed; allowed: yes, no, not_recorded'},
            {'place': 17, 'column_name': 'channel', 'value': raw['channel'], 'reason': long_text},
            {'place': 18, 'column_name': 'chair_minutes', 'value': raw['chair_minutes'], 'reason': 'is not a whole number from 0 to 1440'},
            {'place': 19, 'column_name': 'price', 'value': raw['price'], 'reason': 'is not an amount like 475.00'},
            {'place': 20, 'column_name': 'side_effects_assessed', 'value': raw['side_effects_assessed'], 'reason': 'is not allowed; allowed: yes, no'},
            {'place': 21, 'column_name': 'dose_mg', 'value': raw['dose_mg'], 'reason': 'is not a dose like 37.50'}
        ]) as fault
    from read_bookings as read, words
    where is_faulty(faults)
    union all
    select
        'side_effects',
        read.rowid,
        faults,
        unnest([
            {'place': 0, 'column_name': 'event_id', 'value': event_id, 'reason': shortened},
            {'place': 1, 'column_name': 'booking_id', 'value': null, 'reason': 'is empty'},
            {'place': 2, 'column_name': 'effect', 'value': raw['effect'], 'reason': long_text},
            {'place': 3, 'column_name': 'severity', 'value': raw['severity'], 'reason': 'is not a grade; allowed: mild, moderate, severe, life_threatening, fatal, unknown'},
            {'place': 4, 'column_name': 'serious', 'value': raw['serious'], 'reason': 'is not allowed; allowed: yes, no'},
            {'place': 5, 'column_name': 'related', 'value': raw['related'], 'reason': long_text},
            {'place': 6, 'column_name': 'onset_at', 'value': raw['onset_at'], 'reason': moment},
            {'place': 7, 'column_name': 'resolved_at', 'value': raw['resolved_at'], 'reason': moment},
            {'place': 8, 'column_name': 'resolved_at', 'value': raw['resolved_at'], 'reason': 'is before onset_at'},
            {'place': 9, 'column_name': 'outcome', 'value': raw['outcome'], 'reason': long_text},
            {'place': 10, 'column_name': 'action', 'value': raw['action'], 'reason': long_text}
        ])
    from read_side_effects as read, words
    where is_faulty(faults)
    union all
    select
        'payments',
        read.rowid,
        faults,
        unnest([
            {'place': 0, 'column_name': 'payment_id', 'value': payment_id, 'reason': shortened},
            {'place': 1, 'column_name': 'patient_id', 'value': null, 'reason': 'is empty'},
            {'place': 2, 'column_name': 'paid_at', 'value': raw['paid_at'], 'reason': moment},
            {'place': 3, 'column_name': 'kind', 'value': raw['kind'], 'reason': 'is not a kind; allowed: payment, refund, package_sale, package_redemption, package_expiry'},
            {'place': 4, 'column_name': 'amount', 'value': raw['amount'], 'reason': 'is not an amount like 475.00; only refunds may be negative'},
            {'place': 5, 'column_name': 'method', 'value': raw['method'], 'reason': long_text},
            {'place': 6, 'column_name': 'site', 'value': raw['site'], 'reason': 'is not a site; allowed: ' || sites}
        ])
    from read_payments as read, words
    where is_faulty(faults)
    union all
    select
        'scores',
        read.rowid,
        faults,
        unnest([
            {'place': 0, 'column_name': 'score_id', 'value': score_id, 'reason': shortened},
            {'place': 1, 'column_name': 'patient_id', 'value': null, 'reason': 'is empty'},
            {'place': 2, 'column_name': 'instrument', 'value': raw['instrument'], 'reason': 'is not a questionnaire; allowed: PHQ-9, GAD-7'},
            {'place': 3, 'column_name': 'taken_at', 'value': raw['taken_at'], 'reason': moment},
            {'place': 4, 'column_name': 'score', 'value': raw['score'], 'reason': 'is not a whole number from 0 to 27 (PHQ-9) or 21 (GAD-7)'}
        ])
    from read_scores as read, words
    where is_faulty(faults)
)
select
    source,
    row,
    fault.column_name,
    fault.value,
    -- A required value that is missing has no value to show; optional ones are never faulty when empty.
    case when fault.value is null then 'is empty' else fault.reason end
from found
where
    (faults >> fault.place::ubigint) & 1 = 1
    and not exists (
        select 1
        from late_rejects as late
        where late.source = found.source and late.row = found.row and late.column_name = found.fault.column_name
    )
