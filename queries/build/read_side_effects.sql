-- Side effects as typed values with their faults. delivered: the file, every column as text, with misfits and part.
-- parameters: file
insert into read_side_effects
with parsed as (
    select
        *,
        try_cast(replace(replace(lower(severity), ' ', '_'), '-', '_') as severity) as grade,
        as_yes_no(serious) as is_serious,
        as_local(onset_at) as onset_local,
        as_instant(onset_at) as onset_instant,
        as_local(resolved_at) as resolved_local,
        as_instant(resolved_at) as resolved_instant
    from delivered
),
judged as (
    select
        *,
        flag(event_id is null or is_shortened(event_id), 0)
        + flag(booking_id is null, 1)
        + flag(effect is null or too_long(effect), 2)
        + flag(unreadable(severity, grade), 3)
        + flag(unreadable(serious, is_serious), 4)
        + flag(too_long(related), 5)
        + flag(unreadable(onset_at, onset_instant) and onset_local is null, 6)
        + flag(unreadable(resolved_at, resolved_instant) and resolved_local is null, 7)
        + flag(resolved_local < onset_local or resolved_instant < onset_instant, 8)
        + flag(too_long(outcome), 9)
        + flag(too_long(action), 10)
        + (misfits << 32) as faults
    from parsed
)
select
    $file + part, faults, event_id, booking_id, as_term(effect), effect, coalesce(grade, 'unknown'), is_serious,
    lower(related), onset_local, onset_instant, resolved_local, resolved_instant,
    replace(lower(outcome), '_', ' '), action,
    case when is_faulty(faults) then map {
        'effect': effect, 'severity': severity, 'serious': serious, 'related': related, 'onset_at': onset_at,
        'resolved_at': resolved_at, 'outcome': outcome, 'action': action
    } end
from judged
