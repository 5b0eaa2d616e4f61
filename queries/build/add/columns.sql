-- The columns of a type of words, by table and column.
-- parameters: catalog, name (of the type, which their names end with), type
select table_name, column_name
from duckdb_columns()
where
    database_name = $catalog and data_type = $type
    and (column_name = $name or ends_with(column_name, '_' || $name))
order by all
