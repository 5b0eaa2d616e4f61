-- ENUM types in the order of the screen.
create type site as enum (select site from reference_sites order by position);
create type service as enum (select service from reference_services order by position);
create type line as enum (select line from reference_services group by line order by min(position));
create type band as enum (select band from reference_age_bands order by position);
create type status as enum ('booked', 'arrived', 'completed', 'cancelled', 'late_cancelled', 'no_show');
create type severity as enum ('mild', 'moderate', 'severe', 'life_threatening', 'fatal', 'unknown');
create type supervision as enum ('anesthesiologist', 'physician', 'other', 'none', 'not_recorded');
create type yes_no as enum ('yes', 'no', 'not_recorded');
