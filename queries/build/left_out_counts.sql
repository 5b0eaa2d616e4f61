-- What was left out, all files together.
select source, what, reason, sum(rows)::bigint as rows from left_out group by all order by source, what, reason
