-- A booking_id counts once: the first sound row keeps it.
insert into late_rejects
with firsts as (
    select booking_id, min(rowid) as row from read_bookings where faults = 0 group by booking_id having count(*) > 1
)
select 'bookings', read.rowid, 'booking_id', read.booking_id, 'is a duplicate; the first row with it is kept'
from read_bookings as read
inner join firsts on firsts.booking_id = read.booking_id
where read.faults = 0 and read.rowid <> firsts.row
