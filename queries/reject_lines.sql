-- The rejected lines with the offending values.
-- sites: none
-- serves: reject_values
select source, file, line, column_name, value, reason from rejects order by source, file, line, column_name
