-- The accepted bookings with what side effects, payments and scores take from them.
create temp table ages as
select age::utinyint as age, band::band as band
from unnest(generate_series(0, 120)) as numbers(age)
inner join reference_age_bands on age >= from_age and age <= coalesce(to_age, 120);

create table staged.kept_bookings as
with known as (
    select service::service as service, line::line as line from reference_services
)
select
    read.rowid as row,
    read.booking_id,
    patients.patient,
    read.site,
    read.service,
    known.line,
    coalesce(ages.band, 'Unknown'::band) as band,
    read.status,
    read.status in ('arrived', 'completed') as visited,
    read.status = 'completed' and read.price_cents is not null as invoiced,
    read.starts_at,
    read.starts_at::date as starts_on,
    read.starts_instant
from read_bookings as read
inner join patients on patients.patient_id = read.patient_id
inner join known on known.service = read.service
left join ages on ages.age = read.age
where
    read.faults = 0
    and not exists (
        select 1 from late_rejects as late where late.source = 'bookings' and late.row = read.rowid
    )
