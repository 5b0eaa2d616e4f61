-- What was left out: rows that the mapping doesn't want; resources without a place in the contract, and elements of others.
-- sites: none
-- serves: data
-- hides: rows
select source, file, what, rows, reason
from left_out
order by what <> source, source, what, file, reason
