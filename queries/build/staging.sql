-- What is read, row for row and in the order of the files, so that rowid leads back to the line.
-- faults: the sum of a row's flags, 0 when it is sound, those of its mapping from place 32 on; raw: its values as delivered when it has faults.
create temp table files (
    file uinteger, source varchar, name varchar, sha256 varchar, bytes bigint, rows_read bigint, sound bigint,
    left_out bigint, first_row bigint
);
create temp table line_shifts (file uinteger, first_row bigint, shift bigint);

-- Resources of deliveries that hold more than the contract's tables, by file and type; table_name: where
-- they become records.
create temp table resource_files (
    file varchar, resource varchar, table_name varchar, sha256 varchar, bytes bigint, rows_read bigint,
    rows_looked_up bigint, rows_rejected bigint, rows_left_out bigint
);
create table left_out (source varchar, file varchar, what varchar, rows bigint, reason varchar);
-- What a mapped file's columns are made of; reason: why the mapping cannot read a value, missing: why there is none,
-- pattern: what a value has to match.
create temp table mapped_columns (
    file uinteger, source varchar, place utinyint, column_name varchar, origin varchar, personal boolean,
    reason varchar, missing varchar, pattern varchar
);

-- Optional columns of a file whose values the mapping wants empty where they cannot be used, with the flags of their
-- faults, and how many were; unusable.sql makes them, and unusable_*.sql read them, too.
create temp table unusable (column_name varchar, bits ubigint);
create temp table emptied (file uinteger, column_name varchar, rows bigint);
create temp macro is_unusable(faults, name) as
    faults & coalesce((select bits from unusable where column_name = name), 0) <> 0;
create temp macro usable(faults) as faults - (faults & coalesce((select sum(bits)::ubigint from unusable), 0));

create table rejects (
    source varchar, file varchar, line bigint, column_name varchar, value varchar, reason varchar
);
-- Empty where there was nothing to compare with.
create table changes (
    source varchar, site varchar, rows_before bigint, rows_now bigint, added bigint, removed bigint, changed bigint
);
-- Rows that are sound in themselves and contradict others.
create table staged.late_rejects (source varchar, row bigint, column_name varchar, value varchar, reason varchar);

create table staged.read_bookings (
    file uinteger, faults ubigint, booking_id varchar, patient_id varchar, site site, service service,
    status status, starts_at timestamp, ends_at timestamp, cancelled_at timestamp, booked_on date,
    starts_instant timestamptz, ends_instant timestamptz, age utinyint, sex varchar, indication varchar,
    provider varchar, supervision supervision, mental_health_provider yes_no, channel varchar,
    chair_minutes integer, price_cents bigint, assessed boolean, dose_mg decimal(9, 2),
    raw map(varchar, varchar)
);

create table staged.read_side_effects (
    file uinteger, faults ubigint, event_id varchar, booking_id varchar, term varchar, effect varchar,
    severity severity, serious boolean, related varchar, onset_local timestamp, onset_instant timestamptz,
    resolved_local timestamp, resolved_instant timestamptz, outcome varchar, action varchar,
    raw map(varchar, varchar)
);

-- Whether a row that is sound in itself was rejected, and another with its id was not accepted in its place.
create temp macro waits(table_name, number) as
    number in (select row from late_rejects where source = table_name)
    and number not in (
        select row from late_rejects where source = table_name and reason like 'is a duplicate%'
    );

-- Terms that the extract holds to which the delivery is added.
create temp table earlier_terms (term varchar, spelling varchar);

create table staged.read_payments (
    file uinteger, faults ubigint, payment_id varchar, patient_id varchar, booking_id varchar, site site,
    paid_local timestamp, paid_instant timestamptz, kind varchar, method varchar, amount_cents bigint,
    raw map(varchar, varchar)
);

create table staged.read_scores (
    file uinteger, faults ubigint, score_id varchar, patient_id varchar, instrument varchar,
    taken_local timestamp, taken_instant timestamptz, score utinyint,
    raw map(varchar, varchar)
);
