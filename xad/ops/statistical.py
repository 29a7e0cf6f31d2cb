"""Statistical functions: sums, means, extremes and spreads over axes."""

from __future__ import annotations

import math
from typing import Any

from xad.backend.adapter import Adapter
from xad.core.batching import shifted
from xad.core.boxing import box
from xad.core.conform import is_complex
from xad.core.primitive import Kernel
from xad.core.rules import General, Linear
from xad.ops.arguments import Array, Axis, many_axes, operand
from xad.ops.data_type import in_dtype
from xad.ops.declare import register

__all__ = ["max", "mean", "min", "std", "sum", "var"]


def restore_axes(xp: Any, reduced: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    """Give a reduced array its reduced axes back, with length one."""
    if keepdims or not axis:
        return reduced
    shape = list(reduced.shape)
    for i in sorted(axis):
        shape.insert(i, 1)
    return xp.reshape(reduced, tuple(shape))


def count_along(x: Any, axis: tuple[int, ...]) -> int:
    """How many elements go into each element of a reduction."""
    return math.prod([x.shape[i] for i in axis])


def _spread_back(xp: Any, g: Any, like: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    if not g.shape:  # one number goes everywhere
        return xp.broadcast_to(g, like.shape)
    return xp.broadcast_to(restore_axes(xp, g, axis, keepdims), like.shape)


_sum = register(Linear("sum", _spread_back, batch=shifted()))


def _mean_back(xp: Any, g: Any, like: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    # An empty mean has no operand to send anything to: any divisor does.
    return _spread_back(xp, g / (count_along(like, axis) or 1), like, axis, keepdims)


_mean = register(Linear("mean", _mean_back, batch=shifted()))


def sum(x: Array, /, *, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Array:
    """Sum over axes; 0 where there are no elements.

        y = Σ x        dy/dx_i = 1

    ``axis``: an integer, a tuple of them, or None for all. ``dtype``: cast to it first; without
    it small integers are summed in the default integer type, floating types in their own.
    ``keepdims``: keep the summed axes, with length one.

    Raises AxisError for an axis that ``x`` does not have.

    >>> import numpy as np, xad
    >>> xad.grad(lambda x: xad.sum(x * x))(np.asarray([1.0, 2.0]))
    array([2., 4.])

    Source: Array API standard 2025.12, statistical functions.
    """
    x = in_dtype(operand("sum", x), dtype)
    total = box(_sum.bind(x, axis=many_axes("sum", axis, x.ndim), keepdims=keepdims))
    # Libraries sum small integers in a wider type, which wraps around to the same in the end.
    return in_dtype(total, dtype)


def mean(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Mean over axes; nan where there are no elements.

        y = (1/n) Σ x        dy/dx_i = 1/n

    ``axis``, ``keepdims``: as in `sum`. Raises AxisError for an axis that ``x`` does not have.

    >>> import numpy as np, xad
    >>> xad.grad(xad.mean)(np.asarray([1.0, 2.0]))
    array([0.5, 0.5])

    Source: Array API standard 2025.12, statistical functions.
    """
    x = operand("mean", x)
    return box(_mean.bind(x, axis=many_axes("mean", axis, x.ndim), keepdims=keepdims))


# ---- extremes: the slope is shared evenly among the elements that attain it ---------------------


def _shares(xp: Any, x: Any, y: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    """1/k at each of the k elements equal to the extreme, 0 elsewhere; nan where that is nan."""
    y = restore_axes(xp, y, axis, keepdims)
    attained = xp.astype(x == y, x.dtype)
    count = xp.sum(attained, axis=axis, keepdims=True)
    return attained / xp.where(y == y, count, y)  # noqa: PLR0124 - nan is unequal to itself


def _extreme_back(xp: Any, g: Any, x: Any, y: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    return restore_axes(xp, g, axis, keepdims) * _shares(xp, x, y, axis, keepdims)


def _extreme_forward(xp: Any, t: Any, x: Any, y: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    return xp.sum(t * _shares(xp, x, y, axis, keepdims), axis=axis, keepdims=keepdims)


def _extreme(name: str) -> General:
    rules = {"vjp": {"x": _extreme_back}, "jvp": {"x": _extreme_forward}}
    return General(name, "x", **rules, batch=shifted())  # type: ignore[arg-type]


_max = register(_extreme("max"))
_min = register(_extreme("min"))


def max(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Largest element over axes.

        y = max x        dy/dx_i = 1/k for the k elements equal to y, else 0

    A nan makes the result nan, and its gradient. ``axis``, ``keepdims``: as in `sum`.

    Raises AxisError for an axis that ``x`` does not have, ValueError where there are no elements.

    >>> import numpy as np, xad
    >>> xad.grad(xad.max)(np.asarray([1.0, 3.0, 3.0]))
    array([0. , 0.5, 0.5])

    Source: Array API standard 2025.12, statistical functions.
    """
    x = operand("max", x)
    return box(_max.bind(x, axis=many_axes("max", axis, x.ndim), keepdims=keepdims))


def min(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Smallest element over axes.

        y = min x        dy/dx_i = 1/k for the k elements equal to y, else 0

    A nan makes the result nan, and its gradient. ``axis``, ``keepdims``: as in `sum`.

    Raises AxisError for an axis that ``x`` does not have, ValueError where there are no elements.

    Source: Array API standard 2025.12, statistical functions.
    """
    x = operand("min", x)
    return box(_min.bind(x, axis=many_axes("min", axis, x.ndim), keepdims=keepdims))


# ---- variance and standard deviation -------------------------------------------------------------


def _deviation(xp: Any, x: Any, axis: tuple[int, ...]) -> Any:
    """x - mean(x), from the first element: exactly 0 for a constant whose mean was rounded."""
    ones = [slice(0, int(n > 0)) if i in axis else slice(None) for i, n in enumerate(x.shape)]
    first = x[tuple(ones)]
    shifted_x = x - first
    return shifted_x - xp.mean(shifted_x, axis=axis, keepdims=True)


def _slope_of_var(x: Any, axis: tuple[int, ...], correction: float) -> float:
    """2/(n - correction); nan where that divides by nothing, as the variance itself does."""
    n = count_along(x, axis) - correction
    return 2 / n if n > 0 else math.nan


def _var_back(
    xp: Any, g: Any, x: Any, axis: tuple[int, ...], correction: float, keepdims: bool
) -> Any:
    g = restore_axes(xp, g, axis, keepdims) * _slope_of_var(x, axis, correction)
    return g * _deviation(xp, x, axis)


def _var_forward(
    xp: Any, t: Any, x: Any, axis: tuple[int, ...], correction: float, keepdims: bool
) -> Any:
    product = _real_product(xp, _deviation(xp, x, axis), t)
    total = xp.sum(product, axis=axis, keepdims=keepdims)
    return total * _slope_of_var(x, axis, correction)


def _real_product(xp: Any, a: Any, b: Any) -> Any:
    return xp.real(xp.conj(a) * b) if is_complex(a.dtype, a) else a * b


def _half_inverse(xp: Any, y: Any) -> Any:
    """1/(2y), and 0 at 0: there the slope of std is taken as 0."""
    at_zero = y == 0
    return xp.where(at_zero, xp.zeros_like(y), 0.5 / xp.where(at_zero, xp.ones_like(y), y))


def _std_back(
    xp: Any, g: Any, x: Any, y: Any, axis: tuple[int, ...], correction: float, keepdims: bool
) -> Any:
    return _var_back(xp, g * _half_inverse(xp, y), x, axis, correction, keepdims)


def _std_forward(
    xp: Any, t: Any, x: Any, y: Any, axis: tuple[int, ...], correction: float, keepdims: bool
) -> Any:
    return _half_inverse(xp, y) * _var_forward(xp, t, x, axis, correction, keepdims)


def _var_kernel(adapter: Adapter) -> Kernel:
    var = adapter.kernel("var")

    def compute(x: Any, *, axis: tuple[int, ...], correction: float, keepdims: bool) -> Any:
        if axis:
            return var(x, axis=axis, correction=correction, keepdims=keepdims)
        # Each element for itself: array-api-compat's torch says 0 of a nan too.
        return var(x[..., None], axis=-1, correction=correction)

    return compute


def _std_kernel(adapter: Adapter) -> Kernel:
    # By way of var: torch's own std takes no correction that is not an integer.
    root, var = adapter.kernel("sqrt"), _var_kernel(adapter)
    return lambda x, **params: root(var(x, **params))


_var = register(
    General(
        "var",
        "x",
        vjp={"x": _var_back},
        jvp={"x": _var_forward},
        batch=shifted(),
        kernel=_var_kernel,
    )
)
_std = register(
    General(
        "std",
        "x",
        vjp={"x": _std_back},
        jvp={"x": _std_forward},
        batch=shifted(),
        kernel=_std_kernel,
    )
)


def var(
    x: Array, /, *, axis: Axis = None, correction: float = 0.0, keepdims: bool = False
) -> Array:
    """Variance over axes.

        y = Σ |x - mean(x)|² / (n - correction)
        dy/dx_i = 2 (x_i - mean(x)) / (n - correction)

    ``correction``: 0 for the variance of a whole population, 1 to estimate it from a sample.
    ``axis``, ``keepdims``: as in `sum`. Raises AxisError for an axis that ``x`` does not have.

    >>> import numpy as np, xad
    >>> xad.grad(xad.var)(np.asarray([1.0, 3.0]))
    array([-1.,  1.])

    Source: Array API standard 2025.12, statistical functions.
    """
    x = operand("var", x)
    axis = many_axes("var", axis, x.ndim)
    return box(_var.bind(x, axis=axis, correction=correction, keepdims=keepdims))


def std(
    x: Array, /, *, axis: Axis = None, correction: float = 0.0, keepdims: bool = False
) -> Array:
    """Standard deviation over axes: the square root of `var`.

        dy/dx_i = (x_i - mean(x)) / ((n - correction) y), and 0 where y is 0

    ``axis``, ``correction``, ``keepdims``: as in `var`.
    Raises AxisError for an axis that ``x`` does not have.

    >>> import numpy as np, xad
    >>> xad.grad(xad.std)(np.asarray([2.0, 2.0]))
    array([0., 0.])

    Source: Array API standard 2025.12, statistical functions.
    """
    x = operand("std", x)
    axis = many_axes("std", axis, x.ndim)
    return box(_std.bind(x, axis=axis, correction=correction, keepdims=keepdims))
