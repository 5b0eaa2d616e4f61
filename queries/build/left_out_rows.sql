-- How many rows of a file each filter of its mapping leaves out.
-- parameters: file
select if(faults >> 63 = 1, 'except', 'only') as setting, count(*) as rows
from (
    select file, faults from read_bookings
    union all
    select file, faults from read_side_effects
    union all
    select file, faults from read_payments
    union all
    select file, faults from read_scores
)
where file = $file and is_left_out(faults)
group by setting
