-- How many values of each column of a file are empty because they cannot be used.
-- parameters: file
select column_name, rows from emptied where file = $file order by column_name
