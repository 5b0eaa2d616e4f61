-- What the columns of mapped files are made of, which were read together.
-- parameters: files, source, places, columns, origins, personal, reasons, missing, patterns (lists but source; those
--   behind it have an element a column)
insert into mapped_columns
select files.file, $source::varchar, of_columns.*
from (select unnest($files::uinteger[]) as file) as files
cross join (
    select
        unnest($places::utinyint[]), unnest($columns::varchar[]), unnest($origins::varchar[]),
        unnest($personal::boolean[]), unnest($reasons::varchar[]), unnest($missing::varchar[]),
        unnest($patterns::varchar[])
) as of_columns
