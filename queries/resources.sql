-- FHIR resources by file and type, with what became of them; empty for a delivery of CSV files.
-- sites: none
-- serves: data
-- hides: rows_read rows_accepted rows_rejected rows_looked_up rows_left_out
select resource, file, rows_read, rows_accepted, rows_rejected, rows_looked_up, rows_left_out
from resources
order by resource, file
