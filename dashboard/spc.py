"""Control charts, the rules that find special causes in them, and funnel limits.

A chart function takes one series in time order and returns its centre line and limits, each of
the series' length. A point may be missing: NaN in `xmr`, no trials or no exposure in `p_chart` and
`u_chart`. Its limits are NaN; the centre line, which is level, runs through. It is left out of
the centre and of both moving ranges it would take part in, so that no range spans a gap. Limits
that need a moving range are NaN throughout when no two neighbouring points are present.

The rules pass over missing points: a run or trend goes on across the gap, which itself is never
flagged. Input that cannot be raises ValueError, which names the argument.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from dashboard.arguments import FloatArray, Number, numeric, whole
from dashboard.rates import exact_poisson_limits

IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]

#: Three standard deviations over d2 = 1.128, the mean range of two points (Shewhart).
XMR_FACTOR = 2.66
#: Moving ranges from this many times their mean on are outliers (Nelson 1982).
SCREEN_FACTOR = 3.267
D2 = 1.128
#: Points on one side, or trending, that make a special cause (NHS Making Data Count).
RUN_LENGTH = 7
#: Below so many points limits are called trial limits.
FULL_LIMITS = 12


class Limits(NamedTuple):
    """Centre line and limits, each with one value a point."""

    centre: Number
    lower: Number
    upper: Number


class Funnels(tuple[Limits, ...]):
    """One Limits a confidence level, in order.

    `centre`, `lower` and `upper` hold those of all levels, the levels along the first axis.
    """

    __slots__ = ()

    @property
    def centre(self) -> FloatArray:
        """1 throughout."""
        return np.stack([np.asarray(limits.centre) for limits in self])

    @property
    def lower(self) -> FloatArray:
        """Lower limits of every level."""
        return np.stack([np.asarray(limits.lower) for limits in self])

    @property
    def upper(self) -> FloatArray:
        """Upper limits of every level."""
        return np.stack([np.asarray(limits.upper) for limits in self])


class SpecialCauses(NamedTuple):
    """What each rule says of each point: -1 low or falling, 1 high or rising, 0 nothing.

    A run or trend is flagged from its seventh point on, when it becomes known; a two-in-three on
    all three points. `highlighted` are the points to colour: those outside, all seven and more
    of a run or trend, and those of a two-in-three that lie in the outer third.
    """

    outside: IntArray
    one_side: IntArray
    trend: IntArray
    two_in_three: IntArray
    highlighted: BoolArray

    @property
    def any(self) -> BoolArray:
        """The points at which at least one rule is flagged."""
        rules = np.stack([self.outside, self.one_side, self.trend, self.two_in_three])
        return np.asarray((rules != 0).any(axis=0))


class RunLimits(NamedTuple):
    """The longest run and the fewest crossings still due to chance."""

    longest_run_max: IntArray | np.int64
    crossings_min: IntArray | np.int64


class RunRules(NamedTuple):
    """Anhøj's two run rules on one series, and whether either signals."""

    n_useful: np.int64
    longest_run: np.int64
    longest_run_max: np.int64
    crossings: np.int64
    crossings_min: np.int64
    signal: np.bool_


def xmr(values: ArrayLike, screen: bool = True, freeze: int | None = None) -> Limits:
    """Individuals (XmR) chart: mean -/+ 2.66 times the mean moving range, in the values' units.

    With `screen`, moving ranges of 3.267 times their mean and more are dropped, once, from
    the limits; their points still count in the mean. With `freeze` centre and limits come from the
    first so many points alone and are carried on over the others. Source: NHSRplotthedots; Nelson 1982.
    """
    y = _series("values", values, missing=True)
    base = y[: _first(freeze)]
    ranges = _moving_ranges(base)
    spread = _mean(ranges)
    # Ranges that are all 0 reach 3.267 times their mean, but none of them is an outlier.
    if screen and spread > 0:
        spread = _mean(ranges[ranges < SCREEN_FACTOR * spread])
    return _limits(_mean(base[~np.isnan(base)]), np.where(np.isnan(y), np.nan, XMR_FACTOR * spread))


def p_chart(events: ArrayLike, trials: ArrayLike, prime: bool = True, freeze: int | None = None) -> Limits:
    """Chart of the proportion events / trials, limits in 0..1 and varying with the trials.

    With `prime` Laney's p', whose sigma is the binomial one times the series' own sigma_z, be
    that above or below 1; else the plain p chart. With `freeze` centre and sigma_z come from the
    first so many points alone. Raises ValueError for events above trials.
    Source: Laney 2002, Quality Engineering 14:531-537; qicharts2.
    """
    x = _series("events", events, minimum=0)
    n = _matching("trials", trials, x, minimum=0)
    if (x > n).any():
        raise ValueError("events must not be above trials")
    centre, base = _pooled(x, n, freeze)
    return _attribute_chart(x / base, centre, np.sqrt(centre * (1 - centre) / base), prime, 1.0, freeze)


def u_chart(events: ArrayLike, exposure: ArrayLike, prime: bool = True) -> Limits:
    """Chart of the rate events / exposure, per unit of exposure; the lower limit is at least 0.

    With `prime` Laney's u', whose sigma is the Poisson one times the series' own sigma_z; else
    the plain u chart. Source: Laney 2002, Quality Engineering 14:531-537; qicharts2.
    """
    x = _series("events", events, minimum=0)
    n = _matching("exposure", exposure, x, minimum=0)
    centre, base = _pooled(x, n)
    return _attribute_chart(x / base, centre, np.sqrt(centre / base), prime, np.inf)


def g_chart(gaps: ArrayLike) -> Limits:
    """Chart of the opportunities between rare events, in their units; a high point is good news.

    The centre is the median gap, as geometric counts are skewed; the upper limit is
    mean + 3 * sqrt(mean * (mean + 1)). The same distance below the mean is never above 0, so
    that the lower limit is 0. Source: Provost and Murray 2011; qicharts2.
    """
    y = _series("gaps", gaps, minimum=0)
    mean = _mean(y)
    centre = np.median(y) if y.size else np.nan
    return Limits(
        np.full(y.shape, centre),
        np.zeros(y.shape),
        np.full(y.shape, mean + 3 * np.sqrt(mean * (mean + 1))),
    )


def funnel(expected: ArrayLike, confidence: ArrayLike = (0.95, 0.998)) -> Funnels:
    """Funnel limits of observed / expected at target 1: one Limits a confidence level, in order.

    The exact Poisson limits of `expected`, divided by it, in its shape (scalars for a scalar).
    NaN where nothing is expected. Not widened for over-dispersion. Source: FunnelPlotR.
    """
    e = numeric("expected", expected, minimum=0)
    base = np.where(e > 0, e, np.nan)
    centre, funnels = np.ones_like(base), []
    for level in np.atleast_1d(numeric("confidence", confidence)):
        lower, upper = exact_poisson_limits(base, level)
        funnels.append(Limits(centre[()], (lower / base)[()], (upper / base)[()]))
    return Funnels(funnels)


def overdispersion(observed: ArrayLike, expected: ArrayLike, trim: float = 0.1) -> float:
    """How much more sites vary than chance would have them, as a ratio of variances, at least 1.

    The mean square of 2 (sqrt(observed) - sqrt(expected)), both tails brought in to the `trim` (0 to 0.5) and
    1 - `trim` quantile. Source: Spiegelhalter 2005, Statistics in Medicine 24:1185-1202.
    """
    x = _series("observed", observed, minimum=0)
    e = _matching("expected", expected, x, minimum=0)
    if not x.size or not 0 <= trim <= 0.5:
        raise ValueError("trim must be between 0 and 0.5" if x.size else "observed must hold at least one site")
    z = 2 * (np.sqrt(x) - np.sqrt(e))
    return max(1.0, float(np.mean(np.clip(z, *np.quantile(z, (trim, 1 - trim))) ** 2)))


def special_causes(values: ArrayLike, centre: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> SpecialCauses:
    """Apply the four NHS Making Data Count rules to a series and its limits.

    Centre and limits are scalars or of the series' length. A point is outside if strictly beyond
    a limit, on a side if strictly off the centre. The outer third is measured by the wider of the
    two distances to a limit: a limit that was cut off at 0 or 100 % would else put its third
    where points commonly lie. A point without value or centre is passed over; one with a centre
    but no limits can only be part of a run or trend. Raises ValueError for lower above upper.
    Source: NHSRplotthedots, ptd_calculate_point_type.
    """
    y = _series("values", values, missing=True)
    line = _matching("centre", centre, y, missing=True)
    low = _matching("lower", lower, y, missing=True)
    high = _matching("upper", upper, y, missing=True)
    if (low > high).any():
        raise ValueError("lower must not be above upper")
    known = ~(np.isnan(y) | np.isnan(line))
    y, line, low, high = (series[known] for series in (y, line, low, high))
    side = np.sign(y - line).astype(np.int64)
    outside = (y > high).astype(np.int64) - (y < low)
    close = (outside == 0) & (np.abs(y - line) > np.fmax(high - line, line - low) * 2 / 3)
    one_side = one_side_rule(side) * side
    trend = trend_rule(y)
    two_in_three = two_in_three_rule(close, side) * side
    highlighted = (
        (outside != 0)
        | _any_ahead(one_side != 0, RUN_LENGTH)
        | _any_ahead(trend != 0, RUN_LENGTH)
        | ((two_in_three != 0) & close)
    )
    found = np.zeros((5, known.size), dtype=np.int64)
    found[:, known] = np.stack([outside, one_side, trend, two_in_three, highlighted])
    return SpecialCauses(found[0], found[1], found[2], found[3], found[4] == 1)


def one_side_rule(side: ArrayLike) -> IntArray:
    """Return 1 at each point that is at least the seventh in a row on its side, else 0.

    `side` is -1, 0 or 1; a point on the centre line (0) ends a run.
    """
    sides = _sides(side)
    same = (_trailing(sides, RUN_LENGTH) == sides[:, np.newaxis]).all(axis=1)
    found: IntArray = (same & (sides != 0)).astype(np.int64)
    return found


def trend_rule(values: ArrayLike) -> IntArray:
    """Return 1 at each point that is at least the seventh to rise in a row, -1 to fall, else 0.

    Two equal neighbours end a trend.
    """
    y = _series("values", values)
    steps = _trailing(np.sign(np.diff(y, prepend=y[:1])), RUN_LENGTH - 1)
    rising, falling = (steps == 1).all(axis=1), (steps == -1).all(axis=1)
    found: IntArray = rising.astype(np.int64) - falling
    return found


def two_in_three_rule(close: ArrayLike, side: ArrayLike) -> IntArray:
    """Return 1 at each point of three in a row on one side of which two are close, else 0.

    `close` is 1 (or True) in the outer third, `side` is -1, 0 or 1. The third point is
    flagged too, wherever on that side it lies.
    """
    sides = _sides(side)
    near = _matching("close", close, sides)
    if not np.isin(near, (0, 1)).all():
        raise ValueError("close must hold only 0 and 1")
    on_one_side = np.abs(_trailing(sides, 3).sum(axis=1)) == 3
    completed = on_one_side & (_trailing(near, 3).sum(axis=1) >= 2)
    return _any_ahead(completed, 3).astype(np.int64)


def rule_names(causes: SpecialCauses) -> list[str]:
    """For each point the rules that flag it, in words; empty where none does."""
    names = {
        "outside": causes.outside, "7 on one side": causes.one_side, "7 trending": causes.trend,
        "2 of 3 in the outer third": causes.two_in_three,
    }  # fmt: skip
    return [", ".join(name for name, found in names.items() if found[i]) for i in range(len(causes.outside))]


def run_limits(n_useful: ArrayLike) -> RunLimits:
    """Longest run and fewest crossings that chance allows in so many points off the centre.

    round(log2(n)) + 3, and the lower 5 % point of a binomial of n - 1 crossings at 1/2. Source:
    Anhøj and Olesen 2014, PLoS ONE 9:e113825; qicharts2.
    """
    n = np.maximum(whole("n_useful", n_useful), 1)
    longest = np.round(np.log2(n)) + 3
    crossings = np.asarray(stats.binom.ppf(0.05, n - 1, 0.5))
    return RunLimits(longest.astype(np.int64)[()], crossings.astype(np.int64)[()])


def run_rules(values: ArrayLike, centre: ArrayLike) -> RunRules:
    """Apply Anhøj's rules: a run that is too long, or a centre line crossed too seldom.

    Points on the centre line or missing (NaN) are not useful and are passed over. Centre is a
    scalar or of the series' length, for a run chart its median. Without a useful point nothing
    signals. Source: Anhøj and Olesen 2014, PLoS ONE 9:e113825; qicharts2.
    """
    y = _series("values", values, missing=True)
    sides = np.sign(y - _matching("centre", centre, y, missing=True))
    sides = sides[~np.isnan(sides) & (sides != 0)]
    ends = np.flatnonzero(np.diff(sides)) + 1
    runs = np.diff(np.concatenate([[0], ends, [sides.size]]))
    limits = run_limits(sides.size)
    longest, crossings = runs.max(), np.int64(ends.size)
    return RunRules(
        n_useful=np.int64(sides.size),
        longest_run=np.int64(longest),
        longest_run_max=np.int64(limits.longest_run_max),
        crossings=crossings,
        crossings_min=np.int64(limits.crossings_min),
        signal=np.bool_(longest > limits.longest_run_max or crossings < limits.crossings_min),
    )


def _series(name: str, values: ArrayLike, *, minimum: float | None = None, missing: bool = False) -> FloatArray:
    array = numeric(name, values, minimum=minimum, missing=missing)
    if array.ndim != 1:
        raise ValueError(f"{name} must be one series, not of {array.ndim} dimensions")
    return array


def _matching(
    name: str,
    values: ArrayLike,
    series: FloatArray,
    *,
    minimum: float | None = None,
    missing: bool = False,
) -> FloatArray:
    array = numeric(name, values, minimum=minimum, missing=missing)
    if array.shape not in ((), series.shape):
        raise ValueError(f"{name} has shape {array.shape}, but the series {series.shape}")
    return np.broadcast_to(array, series.shape)


def _sides(side: ArrayLike) -> FloatArray:
    sides = _series("side", side)
    if not np.isin(sides, (-1, 0, 1)).all():
        raise ValueError("side must hold only -1, 0 and 1")
    return sides


def _first(freeze: int | None) -> int | None:
    return None if freeze is None else int(whole("freeze", freeze, minimum=1))


def _mean(values: FloatArray) -> float:
    if not values.size:
        return float("nan")
    # Taken from the first value on, the mean of equal values is that value to the last digit; a
    # rounding error would set a level series outside its own limits.
    return float(values[0] + (values - values[0]).mean())


def _moving_ranges(values: FloatArray) -> FloatArray:
    ranges = np.abs(np.diff(values))
    return ranges[~np.isnan(ranges)]


def _pooled(events: FloatArray, base: FloatArray, freeze: int | None = None) -> tuple[float, FloatArray]:
    """The rate of the first `freeze` points (or all), and the base with NaN at the missing ones."""
    present, freeze = base > 0, _first(freeze)
    counted = present[:freeze]
    centre = events[:freeze][counted].sum() / base[:freeze][counted].sum() if counted.any() else np.nan
    return float(centre), np.where(present, base, np.nan)


def _attribute_chart(
    values: FloatArray,
    centre: float,
    sigma: FloatArray,
    prime: bool,
    ceiling: float,
    freeze: int | None = None,
) -> Limits:
    if prime:
        # Without variation (all or no events) every point lies on the centre: z is 0, not 0 / 0.
        z = np.divide(values - centre, sigma, out=sigma.copy(), where=sigma > 0)
        sigma = sigma * _mean(_moving_ranges(z[:freeze])) / D2
    centre_line, lower, upper = _limits(centre, 3 * sigma)
    return Limits(centre_line, np.clip(lower, 0, ceiling), np.clip(upper, 0, ceiling))


def _limits(centre: float, reach: FloatArray) -> Limits:
    return Limits(np.full(reach.shape, centre), centre - reach, centre + reach)


def _trailing(array: FloatArray, size: int) -> FloatArray:
    """For each point the last `size` values up to it, with zeros before the first."""
    padded = np.concatenate([np.zeros(size), array])
    return np.lib.stride_tricks.sliding_window_view(padded, size)[1:]


def _any_ahead(found: BoolArray, size: int) -> BoolArray:
    """Whether something is found at a point or among the next `size` - 1."""
    backwards = _trailing(found[::-1].astype(np.float64), size)
    return np.asarray(backwards.any(axis=1), dtype=np.bool_)[::-1]
