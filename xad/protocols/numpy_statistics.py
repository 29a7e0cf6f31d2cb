"""NumPy's statistics, sorting and searching, where more than a parameter's name is other."""

from __future__ import annotations

import math
from typing import Any

from xad.protocols.numpy_values import array_like, as_array


def _cast(xp: Any, x: Any, dtype: Any) -> Any:
    x = array_like(xp, x)
    return x if dtype is None else xp.astype(x, dtype)


def _mean(
    xp: Any, a: Any, axis: Any = None, dtype: Any = None, _out: Any = None, keepdims: bool = False
) -> Any:
    return xp.mean(_cast(xp, a, dtype), axis=axis, keepdims=keepdims)


def _var(
    xp: Any,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    _out: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    correction: float = 0,
) -> Any:
    x = _cast(xp, a, dtype)
    return xp.var(x, axis=axis, correction=ddof or correction, keepdims=keepdims)


def _std(
    xp: Any,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    _out: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    correction: float = 0,
) -> Any:
    x = _cast(xp, a, dtype)
    return xp.std(x, axis=axis, correction=ddof or correction, keepdims=keepdims)


def _ptp(xp: Any, a: Any, axis: Any = None, _out: Any = None, keepdims: bool = False) -> Any:
    return xp.max(a, axis=axis, keepdims=keepdims) - xp.min(a, axis=axis, keepdims=keepdims)


def _average(
    xp: Any,
    a: Any,
    axis: Any = None,
    weights: Any = None,
    _returned: bool = False,
    *,
    keepdims: bool = False,
) -> Any:
    if weights is None:
        return xp.mean(a, axis=axis, keepdims=keepdims)
    x, weights = as_array(xp, a), as_array(xp, weights)
    if weights.shape != x.shape:
        shape = [1] * x.ndim
        for i, n in zip([axis] if isinstance(axis, int) else axis, weights.shape, strict=True):
            shape[i] = n
        weights = xp.broadcast_to(xp.reshape(weights, tuple(shape)), x.shape)
    total = xp.sum(weights, axis=axis, keepdims=keepdims)
    return xp.sum(x * weights, axis=axis, keepdims=keepdims) / total


def _without_nan(xp: Any, x: Any, value: float) -> Any:
    return xp.where(xp.isnan(x), value, x)


def _nansum(
    xp: Any, a: Any, axis: Any = None, dtype: Any = None, _out: Any = None, keepdims: bool = False
) -> Any:
    return xp.sum(_without_nan(xp, a, 0.0), axis=axis, dtype=dtype, keepdims=keepdims)


def _nanprod(
    xp: Any, a: Any, axis: Any = None, dtype: Any = None, _out: Any = None, keepdims: bool = False
) -> Any:
    return xp.prod(_without_nan(xp, a, 1.0), axis=axis, dtype=dtype, keepdims=keepdims)


def _nanmean(
    xp: Any, a: Any, axis: Any = None, dtype: Any = None, _out: Any = None, keepdims: bool = False
) -> Any:
    x = _cast(xp, a, dtype)
    count = xp.count_nonzero(~xp.isnan(x), axis=axis, keepdims=keepdims)
    return xp.sum(_without_nan(xp, x, 0.0), axis=axis, keepdims=keepdims) / xp.astype(
        count, x.dtype
    )


def _nan_extreme(name: str, start: float) -> Any:
    def extreme(xp: Any, a: Any, axis: Any = None, _out: Any = None, keepdims: bool = False) -> Any:
        missing = xp.isnan(a)
        found = getattr(xp, name)(_without_nan(xp, a, start), axis=axis, keepdims=keepdims)
        return xp.where(xp.all(missing, axis=axis, keepdims=keepdims), math.nan, found)

    return extreme


def _nan_to_num(
    xp: Any, x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    if not copy:
        raise TypeError("np.nan_to_num: copy=False would write into the tensor; leave it out")
    limits = xp.finfo(x.dtype)
    x = _without_nan(xp, x, nan)
    x = xp.where(x == xp.inf, limits.max if posinf is None else posinf, x)
    return xp.where(x == -xp.inf, limits.min if neginf is None else neginf, x)


def _flat_unless(xp: Any, x: Any, axis: Any) -> tuple[Any, int]:
    x = array_like(xp, x)
    return (xp.reshape(x, (-1,)), 0) if axis is None else (x, axis)


def _cumsum(xp: Any, a: Any, axis: Any = None, dtype: Any = None, _out: Any = None) -> Any:
    x, axis = _flat_unless(xp, a, axis)
    return xp.cumulative_sum(x, axis=axis, dtype=dtype)


def _cumprod(xp: Any, a: Any, axis: Any = None, dtype: Any = None, _out: Any = None) -> Any:
    x, axis = _flat_unless(xp, a, axis)
    return xp.cumulative_prod(x, axis=axis, dtype=dtype)


def _trapezoid(xp: Any, y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    y = xp.moveaxis(as_array(xp, y), axis, -1)
    if x is not None:
        x = as_array(xp, x)
        dx = xp.diff(x if x.ndim == 1 else xp.moveaxis(x, axis, -1), axis=-1)
    return xp.sum(dx * (y[..., 1:] + y[..., :-1]) / 2.0, axis=-1)


def _sort(
    xp: Any, a: Any, axis: Any = -1, kind: Any = None, _order: Any = None, *, stable: Any = None
) -> Any:
    x, axis = _flat_unless(xp, a, axis)
    return xp.sort(x, axis=axis, stable=_is_stable(kind, stable))


def _argsort(
    xp: Any, a: Any, axis: Any = -1, kind: Any = None, _order: Any = None, *, stable: Any = None
) -> Any:
    x, axis = _flat_unless(xp, a, axis)
    return xp.argsort(x, axis=axis, stable=_is_stable(kind, stable))


def _is_stable(kind: str | None, stable: bool | None) -> bool:
    return bool(stable) or kind in ("stable", "mergesort")


def _clip(
    xp: Any,
    a: Any,
    a_min: Any = None,
    a_max: Any = None,
    _out: Any = None,
    *,
    min: Any = None,
    max: Any = None,
) -> Any:
    low, high = a_min if min is None else min, a_max if max is None else max
    return xp.clip(array_like(xp, a), array_like(xp, low), array_like(xp, high))


def _round(xp: Any, a: Any, decimals: int = 0) -> Any:
    if decimals >= 0:
        return xp.round(a * 10.0**decimals) / 10.0**decimals if decimals else xp.round(a)
    return xp.round(a / 10.0**-decimals) * 10.0**-decimals


def _unique(
    xp: Any,
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
) -> Any:
    values, indices, inverse, counts = xp.unique_all(ar)
    asked = ((return_index, indices), (return_inverse, inverse), (return_counts, counts))
    found = [values, *[part for wanted, part in asked if wanted]]
    return tuple(found) if len(found) > 1 else values


def _where(xp: Any, condition: Any, x: Any = None, y: Any = None) -> Any:
    if x is None and y is None:
        return xp.nonzero(array_like(xp, condition))
    return xp.where(as_array(xp, condition), array_like(xp, x), array_like(xp, y))


def _select(xp: Any, condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    out = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        out = xp.where(condition, choice, out)
    return out


ADAPTERS = {
    "argsort": _argsort,
    "average": _average,
    "clip": _clip,
    "cumprod": _cumprod,
    "cumsum": _cumsum,
    "fix": lambda xp, x: xp.trunc(x),
    "mean": _mean,
    "nan_to_num": _nan_to_num,
    "nanmax": _nan_extreme("max", -math.inf),
    "nanmean": _nanmean,
    "nanmin": _nan_extreme("min", math.inf),
    "nanprod": _nanprod,
    "nansum": _nansum,
    "ptp": _ptp,
    "round": _round,
    "select": _select,
    "sort": _sort,
    "std": _std,
    "trapezoid": _trapezoid,
    "unique": _unique,
    "var": _var,
    "where": _where,
}
"""NumPy's functions by name; ``xp`` is the namespace of the tensor that was met."""
