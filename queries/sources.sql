-- The files that the extract was built from, with what became of their rows.
-- sites: none
-- serves: data
-- hides: rows_read rows_accepted rows_rejected rows_left_out bytes sha256
select source, file, rows_read, rows_accepted, rows_rejected, rows_left_out, bytes, sha256
from sources
order by source, file
