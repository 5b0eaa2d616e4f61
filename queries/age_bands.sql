-- The age bands with their groups, youngest first.
-- sites: none
-- serves: account
select band::varchar as band, "group" from age_bands order by position
