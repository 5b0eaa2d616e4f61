-- Changes against the extract before, tables first.
select source, site, rows_before, rows_now, added, removed, changed from changes order by source, site nulls first
