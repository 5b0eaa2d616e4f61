-- The sites as given, in the order of their file.
create temp table reference_sites (
    site varchar, name varchar, city varchar, timezone varchar, chairs integer, opens time, closes time,
    open_days varchar, position integer
)
