-- The unusable values of payments (unusable.sql) become empty.
-- parameters: file
update read_payments
set method = if(is_unusable(faults, 'method'), null, method), faults = usable(faults)
where file = $file and is_faulty(faults)
