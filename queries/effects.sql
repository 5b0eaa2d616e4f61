-- Every side-effect term of the extract: the reference table's first, then those reported.
-- sites: none
-- serves: account
select effect::varchar as effect, name, listed, serious from effects order by position
