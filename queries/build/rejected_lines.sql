-- The lines of a file on which rejected records begin.
-- parameters: source, file
select distinct line from rejects where source = $source and file = $file order by line
