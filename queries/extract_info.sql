-- What the extract is: one row.
-- sites: none
-- serves: account
select * from extract_info
