-- The unusable values of side effects (unusable.sql) become empty.
-- parameters: file
update read_side_effects
set
    related = if(is_unusable(faults, 'related'), null, related),
    resolved_local = if(is_unusable(faults, 'resolved_at'), null, resolved_local),
    resolved_instant = if(is_unusable(faults, 'resolved_at'), null, resolved_instant),
    outcome = if(is_unusable(faults, 'outcome'), null, outcome),
    action = if(is_unusable(faults, 'action'), null, action),
    faults = usable(faults)
where file = $file and is_faulty(faults)
