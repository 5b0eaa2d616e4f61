-- What the extract is: one row.
-- sites: none
-- serves: account
-- hides: rows_read rows_accepted rows_rejected
select * from extract_info
