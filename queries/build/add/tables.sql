-- The tables of a database, by name.
-- parameters: catalog
select table_name from duckdb_tables() where database_name = $catalog
