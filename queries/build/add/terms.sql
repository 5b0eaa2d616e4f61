-- The terms that there are now: those of the reference table, and those that an event has.
create temp table terms_now as
with reported as (
    select effect::varchar as effect from extract.side_effects
    union
    select effect::varchar from come_side_effects
)
select
    effect::varchar as effect, name, listed, serious, row_number() over (order by effects.position)::integer as position
from effects
where
    effect::varchar in (select effect from reference_effects)
    or effect::varchar in (select effect from reported)
