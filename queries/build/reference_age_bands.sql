-- The age bands as given, in the order of their file.
create temp table reference_age_bands (
    band varchar, "group" varchar, from_age integer, to_age integer, position integer
)
