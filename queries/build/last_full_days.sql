-- Up to which day the extract that was built goes, and the one before: one row.
select
    (select last_full_day from extract_info) as now,
    (select last_full_day from before.extract_info) as before
