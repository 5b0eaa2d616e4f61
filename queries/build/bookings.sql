-- The bookings, sorted by local date, then site.
-- Ids are stored as they are: to compress them takes three times as long as any other column, and saves 8 MB of a million.
create table bookings (
    booking_id varchar using compression uncompressed, patient bigint, site site, service service, line line,
    status status, starts_at timestamp, starts_on date, ends_at timestamp, booked_on date, cancelled_at timestamp,
    lead_days integer, age utinyint, band band, sex varchar, indication varchar, provider varchar,
    supervision supervision, mental_health_provider yes_no, channel varchar, chair_minutes integer,
    price_cents bigint, assessed boolean, dose_mg decimal(9, 2), is_new boolean, infusion integer,
    next_on date, has_effect boolean, has_serious boolean, has_severe boolean, utc_offset smallint
);

-- What side effects tell of bookings.
create table staged.reported as
select
    booking_id,
    bool_or(serious) as has_serious,
    bool_or(severity in ('severe', 'life_threatening', 'fatal')) as has_severe
from side_effects
group by booking_id;

-- The how-manieth completed one of the service line at the site each is, and when the patient came for the next.
-- Apart from the other columns, which a window would carry along.
create table staged.numbered as
select row, starts_on, row_number() over history as infusion, lead(starts_on) over history as next_on
from kept_bookings
where status = 'completed'
window history as (partition by patient, site, line order by starts_at, booking_id);

-- Of several at one time the first by id, so that the order of the files makes no difference.
create table staged.new as
with first_times as (
    select patient, min(starts_at) as starts_at from kept_bookings where visited group by patient
)
select min_by(row, booking_id) as row, any_value(starts_on) as starts_on
from kept_bookings
inner join first_times using (patient, starts_at)
where visited
group by patient;

-- Span by span: what is sorted is as wide as a booking, and all of many would not fit in memory.
-- parameters: first_on, last_on
insert into bookings by name
with usual as (
    select service::service as service, from_on, until_on, minutes from reference_service_prices
),
kept as (
    select kept.*, infusion, next_on, new.row is not null as is_new, usual.minutes as usual_minutes
    from kept_bookings as kept
    -- Left, although each day has a row: where a join may drop rows, the plan took a third more time.
    left join usual on usual.service = kept.service and kept.starts_on between usual.from_on and usual.until_on
    left join numbered on numbered.row = kept.row and numbered.starts_on between $first_on and $last_on
    left join new on new.row = kept.row and new.starts_on between $first_on and $last_on
    where kept.starts_on between $first_on and $last_on
)
select
    read.booking_id,
    kept.patient,
    read.site,
    read.service,
    kept.line,
    read.status,
    read.starts_at,
    kept.starts_on,
    ends_at,
    booked_on,
    cancelled_at,
    (kept.starts_on - booked_on)::integer as lead_days,
    age,
    kept.band,
    sex,
    indication,
    provider,
    supervision,
    mental_health_provider,
    channel,
    coalesce(
        chair_minutes,
        minutes_between(read.starts_instant, ends_instant),
        date_diff('minute', read.starts_at, ends_at),
        kept.usual_minutes
    )::integer as chair_minutes,
    price_cents,
    assessed,
    dose_mg,
    is_new,
    infusion,
    next_on,
    reported.booking_id is not null as has_effect,
    coalesce(has_serious, false) as has_serious,
    coalesce(has_severe, false) as has_severe,
    offset_of(read.starts_at, read.starts_instant) as utc_offset
from read_bookings as read
inner join kept on kept.row = read.rowid
left join reported on reported.booking_id = read.booking_id
order by kept.starts_on, read.site, read.starts_at, kept.row;

-- Their memory is needed for what follows.
drop table reported;
drop table numbered;
drop table new;
drop table read_bookings
