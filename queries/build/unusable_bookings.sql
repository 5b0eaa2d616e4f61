-- The unusable values of bookings (unusable.sql) become empty.
-- parameters: file
update read_bookings
set
    booked_on = if(is_unusable(faults, 'booked_at'), null, booked_on),
    ends_at = if(is_unusable(faults, 'ends_at'), null, ends_at),
    ends_instant = if(is_unusable(faults, 'ends_at'), null, ends_instant),
    cancelled_at = if(is_unusable(faults, 'cancelled_at'), null, cancelled_at),
    age = if(is_unusable(faults, 'birth_date'), null, age),
    sex = if(is_unusable(faults, 'sex'), null, sex),
    indication = if(is_unusable(faults, 'indication'), null, indication),
    provider = if(is_unusable(faults, 'provider'), null, provider),
    channel = if(is_unusable(faults, 'channel'), null, channel),
    chair_minutes = if(is_unusable(faults, 'chair_minutes'), null, chair_minutes),
    price_cents = if(is_unusable(faults, 'price'), null, price_cents),
    faults = usable(faults)
where file = $file and is_faulty(faults)
