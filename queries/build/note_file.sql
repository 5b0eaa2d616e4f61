-- Files that were read together, the lines of their rows, and their records that are broken in structure.
-- parameters: files, source, names, sha256s, bytes, rows_read, sound, left_out, starts; shifted, first_rows and shifts;
-- broken (names), lines, columns, shown and reasons
insert into files
select
    unnest($files::uinteger[]), $source::varchar, unnest($names::varchar[]), unnest($sha256s::varchar[]),
    unnest($bytes::bigint[]), unnest($rows_read::bigint[]), unnest($sound::bigint[]), unnest($left_out::bigint[]),
    unnest($starts::bigint[]);

insert into line_shifts
select unnest($shifted::uinteger[]), unnest($first_rows::bigint[]), unnest($shifts::bigint[]);

insert into rejects
select $source::varchar, unnest($broken::varchar[]), unnest($lines::bigint[]), unnest($columns::varchar[]),
    unnest($shown::varchar[]), unnest($reasons::varchar[])
