-- What a column of a mapped file is made of.
-- parameters: file, source, place, column_name, origin, personal, reason, missing, pattern
insert into mapped_columns
select
    $file::uinteger, $source::varchar, $place::utinyint, $column_name::varchar, $origin::varchar, $personal::boolean,
    $reason::varchar, $missing::varchar, $pattern::varchar
