-- How many bookings of each file have a patient whose id is a number in short form.
select file, rows from shortened_patients order by file
