-- Bookings of patients whose ids are numbers in short form, by file; such an id may stand for several patients.
create or replace temp table shortened_patients as
select file, count(*) as rows
from read_bookings
where is_shortened(patient_id) and faults = 0
group by file
