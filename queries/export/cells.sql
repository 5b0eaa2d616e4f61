-- How values stand in a cell of a CSV file, as macros of one session: text_cell, dollars_cell and the like.
-- Text that a spreadsheet would run as a formula, or turn into another number or a day, gets an apostrophe in front. So does
-- text that begins with one: whoever takes one apostrophe away has the text again. dashboard/cells.py holds the same
-- rule for small tables; a test compares the two.
create or replace temp macro is_harmful(t) as regexp_matches(
    t,
    '^(?:[\x{0}-\x{1f}'']|[\s\x{0}-\x{20}\x{7f}-\x{a0}\x{ad}\x{34f}\x{61c}\x{115f}\x{1160}\x{1680}\x{17b4}\x{17b5}\x{180b}-\x{180e}\x{2000}-\x{200f}\x{2028}-\x{202f}\x{205f}-\x{206f}\x{2800}\x{3000}\x{3164}\x{fe00}-\x{fe0f}\x{feff}\x{ffa0}\x{fff0}-\x{ffff}"''`\x{b4}\x{2018}-\x{201f}\x{ab}\x{bb}\x{2039}\x{203a}\x{ff02}\x{ff07}]*[=+\-@\x{207a}-\x{207c}\x{208a}-\x{208c}\x{2212}\x{fe62}\x{fe63}\x{fe66}\x{fe6b}\x{ff0b}\x{ff0d}\x{ff1d}\x{ff20}]|(?:[0-9][0-9.]{11,}|0[0-9]+|[0-9][0-9.]*[eE][+\-]?[0-9]+|[0-9]*[.,][0-9.,]*[0-9][0-9.,]*-?|[0-9]+[.,\-]|[($\x{20ac}\x{a3}]+[0-9][0-9.,]*\)?|[0-9][0-9.,]* ?[%\x{20ac}]|[0-9]+ [0-9]+/[0-9]+|(?:[0-9]{1,2}|[0-9]{4})[-/](?:[0-9]{1,2}|[0-9]{4})(?:[-/](?:[0-9]{1,2}|[0-9]{4}))?|(?i:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)(?:[-/. ]?[0-9]{1,2}|[-/.]?[0-9]{4})|(?:[0-9]{1,2}|[0-9]{4})[-/. ]?(?i:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)(?:[-/. ][0-9]{1,2})?)$)'
);

create or replace temp macro quoted(t) as
    case when regexp_matches(t, '[",\r\n]') then '"' || replace(t, '"', '""') || '"' else t end;

-- Most words need neither, and are known by one look at their characters: what is read as a day begins with a letter
-- of a month's name, has more than two before its digits, and ends in a digit.
create or replace temp macro safe(t) as
    case
        when regexp_full_match(t, '[BCEGHIKLPQRT-Zbceghiklpqrt-z][A-Za-z0-9_ .:/-]*|[A-Za-z]{1,2}(?:[0-9_ .:/-][A-Za-z0-9_ .:/-]*)?|[A-Za-z][A-Za-z0-9_ .:/-]*[A-Za-z_:]') then t
        when is_harmful(t) then quoted('''' || t)
        else quoted(t)
    end;

create or replace temp macro text_cell(v) as safe(v::varchar);

-- A row is looked at as a whole first: where each of its n texts, with a comma behind it, is a word that needs neither,
-- they are written as they stand. Keys that are numbers aren't among them: their rule needs no look at characters.
create or replace temp macro is_plain(words, n) as
    regexp_full_match(
        words,
        '(?:(?:[BCEGHIKLPQRT-Zbceghiklpqrt-z][A-Za-z0-9_ .:/+–-]*|[A-Za-z]{1,2}(?:[0-9_ .:/+–-][A-Za-z0-9_ .:/+–-]*)?|[A-Za-z][A-Za-z0-9_ .:/+–-]*[A-Za-z_:–]|[1-9][0-9]{0,10}[+]?|[0-9]{1,11}[–:_][A-Za-z0-9_ .:/+–-]*|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})?,){'
        || n
        || '}'
    );

create or replace temp macro word(v) as case when typeof(v) = 'BIGINT' then '' else v::varchar end;

create or replace temp macro plain_cell(v) as
    case
        when typeof(v) <> 'BIGINT' then v::varchar
        when try_cast(v as bigint) between 0 and 99999999999 then v::varchar
        else '''' || v::varchar
    end;

create or replace temp macro count_cell(n) as n::bigint::varchar;
create or replace temp macro decimal_cell(n) as n::varchar;
create or replace temp macro percent_cell(n) as n::varchar;
create or replace temp macro dollars_cell(n) as n::decimal(18, 2)::varchar;
create or replace temp macro date_cell(d) as d::date::varchar;
create or replace temp macro datetime_cell(t) as replace(date_trunc('second', t)::varchar, ' ', 'T')
