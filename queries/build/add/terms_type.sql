-- The terms of the extract made anew.
drop type effect;
create type effect as enum (select effect from terms_now order by position);

create table effects as
select effect::effect as effect, name, listed, serious, position from terms_now order by position
