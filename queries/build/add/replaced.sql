-- Rows of the extract that a delivered row with the same id replaces are no duplicates to be reported.
-- parameters: file (number of the extract's bookings among the files; its other tables follow)
create temp table replaced as
select late.source, late.row
from late_rejects as late
inner join files on files.file >= $file and files.source = late.source and late.row >= files.first_row
where late.reason like 'is a duplicate%';

delete from late_rejects
where (source, row) in (select (source, row) from replaced);

update files
set rows_read = rows_read - gone.n, sound = sound - gone.n
from (select source, count(distinct row) as n from replaced group by source) as gone
where files.file >= $file and files.source = gone.source;

-- Bookings that were lent go back.
delete from bookings where patient not in (select patient from affected)
