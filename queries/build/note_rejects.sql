-- Rejected resources that are no records of a table.
-- parameters: sources, names, lines, columns, shown, reasons
insert into rejects
select
    unnest($sources::varchar[]), unnest($names::varchar[]), unnest($lines::bigint[]), unnest($columns::varchar[]),
    unnest($shown::varchar[]), unnest($reasons::varchar[])
