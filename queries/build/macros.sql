-- Words that the readers of the build share.

-- What nobody sees at the ends of a value: blanks, tabs and line ends, byte-order marks, spaces without width and
-- marks of direction. An id with one of them would be another id that looks the same.
create temp macro unseen() as
    chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || ' ' || chr(133) || chr(160) || chr(173) || chr(5760)
    || chr(6158) || array_to_string(list_transform(range(8192, 8208), lambda n: chr(n::integer)), '')
    || array_to_string(list_transform(range(8232, 8240), lambda n: chr(n::integer)), '')
    || array_to_string(list_transform(range(8287, 8304), lambda n: chr(n::integer)), '') || chr(12288) || chr(65279);

-- A value without them around it, null where nothing is left. trim() is slow, and few values need it: those that
-- begin or end with a blank or control character, or hold characters beyond ASCII.
create temp macro cleaned(x) as
    case
        when x >= '!' and x[-1] > ' ' and strlen(x) = length(x) then x
        else nullif(trim(x, unseen()), '')
    end;

-- 1 in place n where the condition holds; a row's faults are the sum of its flags.
create temp macro flag(condition, place) as if(condition, 1::ubigint << place, 0::ubigint);

-- Whether a row is left out by its mapping, which has the last two places for that: `only` and then `except`.
create temp macro is_left_out(faults) as faults >= 1::ubigint << 62;
create temp macro is_faulty(faults) as faults <> 0 and not is_left_out(faults);

-- A time of day without offset: 2026-01-05 09:00, with T for the blank, with :SS and fractions. The place of the colon
-- and a digit at the end tell it from one that is written shorter and has an offset: 2026-01-05 9:00Z.
create temp macro is_local(x) as
    (strlen(x) = 16 or (strlen(x) >= 19 and x[17] = ':' and (strlen(x) = 19 or regexp_full_match(x, '.{19}\.\d{1,9}'))))
    and strpos(x, ':') = 14 and x[-1] <= '9';

-- The same with Z, UTC or ±hh:mm at its end, which some put behind a blank; no zone is further from UTC than 14 hours.
create temp macro has_offset(x) as
    strlen(x) > 16 and regexp_full_match(x, '\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)? ?(UTC|[Zz]|[+-](0\d|1[0-4])(:?[0-5]\d)?)');

-- As a cast takes it.
create temp macro with_offset(x) as
    case
        when x[-1] = 'Z' and x[-2] <= '9' and x[-2] >= '0' then x
        else regexp_replace(
            regexp_replace(regexp_replace(x, ' ?(UTC|[Zz])$', 'Z'), ' ([+-]\d{2}:?\d*)$', '\1'),
            '([+-]\d{2})(\d{2})$',
            '\1:\2'
        )
    end;

create temp macro in_range(t) as t >= timestamp '1990-01-01' and t < timestamp '2101-01-01';

-- The year is compared as text, so that the time is read once.
create temp macro as_local(x) as
    case
        when is_local(x) and x >= '1990' and x < '2101' and strpos(x, '-') = 5 then try_cast(x as timestamp)
    end;

create temp macro as_instant(x) as
    case
        when is_local(x) then null
        when has_offset(x)
        then case
            when in_range(try_cast(with_offset(x) as timestamp)) then try_cast(with_offset(x) as timestamptz)
        end
    end;

-- Whole minutes as date_diff counts them, which is slow for instants.
create temp macro minutes_between(a, b) as (epoch_us(b) // 60000000 - epoch_us(a) // 60000000)::integer;

-- Whether an appointment ends within a day after its start: by the moments where both are known, since on the night when
-- clocks go back the wall clock of the end may stand before that of the start. Null where there is no end.
create temp macro ends_in_time(starts_at, ends_at, starts_instant, ends_instant) as coalesce(
    epoch_us(ends_instant) - epoch_us(starts_instant) between 0 and 86_400_000_000,
    ends_at between starts_at and starts_at + interval 1 day
);

-- Digits, with a sign or not. A cast would take 1_000, 1e-3 and 0x1F, too: few numbers differ from their own digits,
-- and only these are looked at twice. Programs write 34.0 where other rows of a column are empty.
create temp macro as_whole(x) as
    case
        when try_cast(x as integer)::varchar = x or regexp_full_match(x, '[+-]?\d+(\.0*)?') then try_cast(x as integer)
    end;

-- A decimal number with at most two places, zeros behind them aside, which databases write (475.0000); commas, currency
-- signs and exponents make it none.
create temp macro as_amount(x) as
    case
        when strlen(x) - strpos(x, '.') = 2 and strpos(x, '.') > 0 and not contains(x, '_')
        then try_cast(x as decimal(14, 2))
        when regexp_full_match(x, '[+-]?\d*(\.\d{0,2}0*)?')
        then try_cast(x as decimal(14, 2))
    end;

create temp macro as_yes_no(x) as
    case when lower(x) in ('yes', 'true', '1') then true when lower(x) in ('no', 'false', '0') then false end;

create temp macro as_cents(amount) as (amount * 100)::bigint;

-- Not a value: empty is fine.
create temp macro unreadable(raw, value) as raw is not null and value is null;
create temp macro too_long(x) as coalesce(length(x) > 80, false);

-- Whether an id begins with a digit and is, or holds, a number that a spreadsheet or a program has shortened: of
-- 29872512345678 and 29872598765432 both are left as 2.98725E+13. Few ids have a plus or a point, and only these are
-- looked at twice: in a case, since `and` works out both of its sides for every row.
create temp macro is_shortened(x) as
    case
        when x < ':' and (contains(x, '+') or contains(x, '.'))
        then regexp_matches(x, '\b\d([.,]\d+)?[eE]\+\d{1,3}\b|\b\d\.\d+[eE]\d{1,3}\b')
        else false
    end;

-- How a term is compared: 'Increased heart rate' and 'increased-heart-rate' are one.
create temp macro as_term(x) as
    case
        when regexp_full_match(x, '[a-z]+(_[a-z]+)*') then x else regexp_replace(trim(lower(x)), '[\s_-]+', '_', 'g')
    end;

-- How a way to pay is compared: 'Credit Card' and 'credit_card' are one. Most are one word.
create temp macro as_method(x) as
    case
        when contains(x, ' ') or contains(x, '_') or contains(x, '-')
        then nullif(trim(regexp_replace(lower(x), '[\s_-]+', ' ', 'g')), '')
        else lower(x)
    end;

-- Minutes by which a delivered time with an offset is ahead of UTC, null where it came as local time; and back.
create temp macro offset_of(local, instant) as ((epoch_us(local) - epoch_us(instant)) // 60000000)::smallint;
create temp macro instant_of(local, minutes) as make_timestamptz(epoch_us(local) - minutes::bigint * 60000000);

-- A decimal number without zeros beyond its second place.
create temp macro without_zeros(x) as
    case when strpos(x, '.') = 0 or strlen(x) - strpos(x, '.') <= 2 then x else regexp_replace(x, '(\.\d\d)0+$', '\1') end;

create temp macro without_fraction(x) as
    case when contains(x, '.') then regexp_replace(x, '\.0*$', '') else x end;

-- An id that is made of a patient's: the first 80 bits of its HMAC-SHA256.
create temp macro keyed(x) as
    left(sha256(getvariable('key_outer')::blob || unhex(sha256(getvariable('key_inner')::blob || encode(x)))), 20);
