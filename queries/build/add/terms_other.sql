-- All side effects apart from the extract, whose terms change: a type with other values is another type.
create table all_side_effects as
select * replace (effect::varchar as effect) from extract.side_effects
union all by name
select * replace (effect::varchar as effect) from come_side_effects;

drop table extract.side_effects;
drop table extract.daily_effects;
drop table extract.effects
