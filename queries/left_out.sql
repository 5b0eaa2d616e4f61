-- What a delivery held that has no place in the contract: whole resources, and elements of others.
-- sites: none
-- serves: data
-- hides: rows
select source, file, what, rows, reason
from left_out
order by what <> source, rows desc, source, what, file, reason
