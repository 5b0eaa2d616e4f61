-- The side-effect terms as given, in the order of their file.
create temp table reference_effects (effect varchar, name varchar, listed boolean, serious boolean, position integer)
