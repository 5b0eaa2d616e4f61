-- One row a side effect, for the row-level file.
-- parameters: start, end, sites, lines, bands
-- serves: side_effect_rows
-- hides: event_id
select
    event_id, booking_id, patient, site::varchar as site, service::varchar as service, line::varchar as line,
    band::varchar as band, starts_on, effect::varchar as effect, severity::varchar as severity, serious,
    related, onset_at, resolved_at, onset_minutes, duration_minutes, outcome, transfer, action
from side_effects
where starts_on between $start and $end
    and list_contains($sites::site[], site)
    and list_contains($lines::line[], line)
    and list_contains($bands::band[], band)
order by starts_on, event_id
