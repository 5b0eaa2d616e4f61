-- Side effects that the reference table doesn't call listed or serious, most of which a site has made up itself: which
-- sites wrote them down, none among them.
select
    effects.effect::varchar as effect,
    coalesce(list(distinct daily.site::varchar) filter (where daily.site is not null), []) as sites
from effects
left join daily_effects as daily on daily.effect = effects.effect
where not (effects.listed or effects.serious)
group by effects.effect
