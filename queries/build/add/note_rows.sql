-- The extract as a file of a table: all its rows count as read, also those that nothing touches, and those that wait.
-- A row's line is its place in the table of the extract, and that of the rows that wait, which are read first, follows.
-- parameters: file, source, name, sha256, bytes, rows, first_row
insert into files
select
    $file::uinteger, $source::varchar, $name::varchar, $sha256::varchar, $bytes::bigint, $rows::bigint,
    $rows::bigint, 0, $first_row::bigint
where $rows > 0
