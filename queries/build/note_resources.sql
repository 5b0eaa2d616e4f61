-- What the files of a delivery of resources hold, by type, and what became of it.
-- parameters: names, resources, tables, digests, sizes, read, looked_up, rejected, left
insert into resource_files
select
    unnest($names::varchar[]), unnest($resources::varchar[]), unnest($tables::varchar[]), unnest($digests::varchar[]),
    unnest($sizes::bigint[]), unnest($read::bigint[]), unnest($looked_up::bigint[]), unnest($rejected::bigint[]),
    unnest($left::bigint[])
