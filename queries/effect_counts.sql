-- Side effects of bookings, by whichever dimensions $by names.
-- grain: one row for each combination of period, site, line, band, effect, severity in $by
-- parameters: start, end, sites, lines, bands, by, grain
-- serves: today safety age_groups signals
-- hides: all_events events infusions serious_events transfers
select
    case when list_contains($by, 'period') then date_trunc($grain, starts_on)::date end as period,
    case when list_contains($by, 'site') then site end as site,
    case when list_contains($by, 'line') then line end as line,
    case when list_contains($by, 'band') then band end as band,
    case when list_contains($by, 'effect') then effect end as effect,
    case when list_contains($by, 'severity') then severity end as severity,
    sum(events)::bigint as all_events,
    sum(events_completed)::bigint as events,
    sum(infusions)::bigint as infusions,
    sum(serious)::bigint as serious_events,
    sum(transfers)::bigint as transfers
from daily_effects
where starts_on between $start and $end
    and list_contains($sites::site[], site)
    and list_contains($lines::line[], line)
    and list_contains($bands::band[], band)
group by all
order by all
