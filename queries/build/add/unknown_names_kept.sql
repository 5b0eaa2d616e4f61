-- Sites and services that rows named and the reference tables lacked, those of this delivery among them.
delete from extract.unknown_names;
insert into extract.unknown_names by name
select source, column_name, name, sum(rows)::bigint as rows
from (
    select * from before.unknown_names
    union all by name
    select * from unknown_names
)
group by source, column_name, name
order by all
