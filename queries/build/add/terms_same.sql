-- The side effects where the terms are those of the extract; the way that one is shown may have changed.
insert into extract.side_effects by name
select * from come_side_effects order by starts_on, site, booking_id, event_id;

delete from extract.effects;
insert into extract.effects by name
select * from terms_now order by position
