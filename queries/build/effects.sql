-- Every term: those of the reference table, then those reported, alphabetically.
create temp table terms as
with reported as (
    select term, min(upper(spelling[1]) || spelling[2:]) as name
    from (
        select read.term, read.effect as spelling
        from read_side_effects as read
        where
            read.faults = 0
            and not exists (
                select 1 from late_rejects as late where late.source = 'side_effects' and late.row = read.rowid
            )
        union all
        select term, spelling from earlier_terms
    )
    group by term
)
select
    coalesce(listed.term, reported.term) as term,
    coalesce(reference.effect, reported.term) as effect,
    coalesce(reference.name, reported.name) as name,
    coalesce(reference.listed, false) as listed,
    coalesce(reference.serious, false) as serious,
    reference.position
from known_terms as listed
full join reported on reported.term = listed.term
left join reference_effects as reference on reference.position = listed.position;

create type effect as enum (
    select effect from terms group by effect order by min(position) nulls last, effect
);

create table effects as
select
    effect::effect as effect,
    min(name) as name,
    bool_or(listed) as listed,
    bool_or(serious) as serious,
    row_number() over (order by min(position) nulls last, effect)::integer as position
from terms
group by effect
order by position;

-- Its memory is needed for what follows.
drop table read_side_effects
