-- Payments as typed values with their faults. delivered: the file, every column as text, with misfits and part.
-- parameters: file
insert into read_payments
with parsed as (
    select
        *,
        try_cast(lower(site) as site) as site_key,
        as_local(paid_at) as paid_local,
        as_instant(paid_at) as paid_instant,
        lower(kind) as kind_word,
        as_amount(amount) as decimal_amount
    from delivered
),
judged as (
    select
        *,
        flag(payment_id is null or is_shortened(payment_id), 0)
        + flag(patient_id is null, 1)
        + flag(paid_local is null and paid_instant is null, 2)
        + flag(
            coalesce(
                kind_word not in ('payment', 'refund', 'package_sale', 'package_redemption', 'package_expiry'),
                true
            ), 3
        )
        + flag(decimal_amount is null or (decimal_amount < 0 and kind_word is distinct from 'refund'), 4)
        + flag(too_long(method), 5)
        + flag(unreadable(site, site_key), 6)
        + (misfits << 32) as faults
    from parsed
)
select
    $file + part, faults, payment_id, patient_id, booking_id, site_key, paid_local, paid_instant, kind_word,
    as_method(method), as_cents(abs(decimal_amount)),
    case when is_faulty(faults) then map {
        'paid_at': paid_at, 'kind': kind, 'amount': amount, 'method': method, 'site': site
    } end
from judged
