-- Which sites wrote which side effects down.
select distinct effect::varchar as effect, site::varchar as site from daily_effects
