-- A file that was read, the lines of its rows, and its records that are broken in structure.
-- parameters: file, source, name, sha256, bytes, rows_read, sound, left_out, first_row; first_rows and shifts;
-- lines, columns, shown and reasons
insert into files
select
    $file::usmallint, $source::varchar, $name::varchar, $sha256::varchar, $bytes::bigint, $rows_read::bigint,
    $sound::bigint, $left_out::bigint, $first_row::bigint;

insert into line_shifts
select $file::usmallint, unnest($first_rows::bigint[]), unnest($shifts::bigint[]);

insert into rejects
select $source::varchar, $name::varchar, unnest($lines::bigint[]), unnest($columns::varchar[]),
    unnest($shown::varchar[]), unnest($reasons::varchar[])
