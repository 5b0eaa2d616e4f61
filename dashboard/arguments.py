"""What statistics are given, checked: whatever cannot be raises ValueError, which names the argument."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray: TypeAlias = NDArray[np.float64]
Number: TypeAlias = np.float64 | FloatArray

#: Types of values of which none can be masked: NumPy's masked arrays take ten times as long.
_PLAIN = (np.ndarray, np.float64, float, int)


def numeric(name: str, values: ArrayLike, *, minimum: float | None = None, missing: bool = False) -> FloatArray:
    """Return the values as floats, or raise ValueError naming the argument.

    None and masked entries become NaN, which is refused unless values may be `missing`.
    Infinities, and values below the `minimum`, are always refused.
    """
    try:
        # A query result can be a masked array, whose masked entries hold arbitrary numbers.
        given = np.asarray(values) if type(values) in _PLAIN else np.ma.asarray(values)
        # NumPy reads "3" as 3, a date as its number of days, and of a complex number the real part.
        if given.dtype.kind in "USmMc" or (given.dtype.kind == "O" and any(isinstance(v, str) for v in given.flat)):
            raise TypeError
        array: FloatArray = np.ma.filled(given.astype(np.float64), np.nan)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold numbers only, in rows of one length") from error
    if not np.isfinite(array).all():
        if np.isinf(array).any():
            raise ValueError(f"{name} must be finite")
        if not missing:
            raise ValueError(f"{name} must not be missing (NaN)")
    if minimum is not None and (array < minimum).any():
        raise ValueError(f"{name} must not be below {minimum:g}")
    return array


def positive(name: str, values: ArrayLike) -> FloatArray:
    """Return the values as floats above 0, or raise ValueError naming the argument."""
    array = numeric(name, values, minimum=0)
    if not (array > 0).all():
        raise ValueError(f"{name} must be above 0")
    return array


def whole(name: str, values: ArrayLike, *, minimum: float = 0) -> FloatArray:
    """Return the values, all whole numbers from the minimum on, or raise ValueError naming the argument."""
    array = numeric(name, values, minimum=minimum)
    if (array % 1 != 0).any():
        raise ValueError(f"{name} must hold whole numbers only")
    return array


def between_0_and_1(name: str, value: float) -> float:
    """Return the one number, a level or a share that is neither 0 nor 1, or raise ValueError naming the argument."""
    level = numeric(name, value)
    if level.ndim != 0 or not 0 < level < 1:
        raise ValueError(f"{name} must be one number between 0 and 1, not {value!r}")
    return float(level)


def one_shape(**arguments: FloatArray) -> tuple[FloatArray, ...]:
    """The arguments in their common shape, or ValueError naming the one that differs; a scalar goes with any."""
    shape: tuple[int, ...] = ()
    for name, array in arguments.items():
        if shape and array.shape not in ((), shape):
            raise ValueError(f"{name} has shape {array.shape}, but those before it {shape}")
        shape = shape or array.shape
    return tuple(np.broadcast_to(array, shape) for array in arguments.values())
