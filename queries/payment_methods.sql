-- How payments were made, as these sites' payments name it, for the filter of the row-level file.
-- grain: one row a method; 'not recorded' where some payment names none
-- serves: payment_rows
select distinct coalesce(method, 'not recorded') as method
from payments
where list_contains($sites::site[], site)
order by all
