"""softmax and its relatives: each is one operation, with its value and its slope in one piece.

Written out with exp and log they overflow, or lose their digits. Subtracting the largest element
first changes nothing in exact arithmetic, and leaves nothing to overflow in floating point.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from xad.backend.adapter import Adapter
from xad.core.batching import shifted
from xad.core.boxing import box
from xad.core.primitive import Kernel
from xad.core.rules import General
from xad.errors import DTypeError
from xad.ops.arguments import Array, Axis, is_kind, many_axes, operand
from xad.ops.declare import register

# Public as xad.special.softmax and so on.
__all__: list[str] = []


def in_place(adapter: Adapter, name: str) -> Kernel:
    """A function of one temporary array, into which the result goes where the library can."""
    function = adapter.kernel(name)
    if adapter.name not in ("numpy", "cupy"):
        return function
    # NumPy's 0-d results are scalars, which nothing can be written into.
    return lambda x: function(x, out=x) if x.ndim else function(x)


def largest_number(xp: Any) -> Callable[[Any], Any]:
    """The largest finite number of a data type, remembered: small calls would notice."""
    return cache(lambda dtype: xp.finfo(dtype).max)


# What is subtracted is the largest element, but a finite number where that is -inf. The sum of the
# exponentials is then at least exp(0) = 1, or 0 where all elements are -inf: maximum(sum, 1) makes
# the softmax 0 and the logarithm of the sum 0 there, and no 0/0 comes up.


def softmax_kernel(adapter: Adapter) -> Kernel:
    xp, exp = adapter.namespace, in_place(adapter, "exp")
    largest = largest_number(xp)

    def compute(x: Any, axis: tuple[int, ...]) -> Any:
        if 0 in x.shape:
            return xp.zeros_like(x)
        peak = xp.max(x, axis=axis, keepdims=True)
        out = exp(x - xp.maximum(peak, -largest(x.dtype)))
        out /= xp.maximum(xp.sum(out, axis=axis, keepdims=True), 1)
        return out

    return compute


def _log_softmax_kernel(adapter: Adapter) -> Kernel:
    xp = adapter.namespace
    largest = largest_number(xp)

    def compute(x: Any, axis: tuple[int, ...]) -> Any:
        if 0 in x.shape:
            return xp.zeros_like(x)
        peak = xp.max(x, axis=axis, keepdims=True)
        out = x - xp.maximum(peak, -largest(x.dtype))
        total = xp.sum(xp.exp(out), axis=axis, keepdims=True)
        out -= xp.log(xp.maximum(total, 1))
        return out

    return compute


def _logsumexp_kernel(adapter: Adapter) -> Kernel:
    xp, exp = adapter.namespace, in_place(adapter, "exp")
    largest = largest_number(xp)

    def compute(x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
        if 0 in x.shape:
            return xp.sum(x, axis=axis, keepdims=keepdims) - xp.inf
        peak = xp.max(x, axis=axis, keepdims=True)
        limit = largest(x.dtype)
        shift = xp.minimum(xp.maximum(peak, -limit), limit)
        total = xp.sum(exp(x - shift), axis=axis, keepdims=True)
        out = peak + xp.log(xp.maximum(total, 1))
        return out if keepdims or not axis else xp.squeeze(out, axis=axis)

    return compute


def softmax_rule(v: Any, y: Any, axis: tuple[int, ...], xp: Any) -> Any:
    """y (v - sum of y v): the Jacobian diag(y) - y yᵀ is its own transpose."""
    mean = xp.sum(xp.multiply(y, v), axis=axis, keepdims=True)
    return xp.multiply(y, xp.subtract(v, mean))


softmax_primitive = register(
    General(
        "special.softmax",
        "x",
        vjp={"x": lambda xp, g, y, axis: softmax_rule(g, y, axis, xp)},
        jvp={"x": lambda xp, t, y, axis: softmax_rule(t, y, axis, xp)},
        batch=shifted(),
        kernel=softmax_kernel,
    )
)
_log_softmax = register(
    General(
        "special.log_softmax",
        "x",
        vjp={
            "x": lambda xp, g, y, axis: xp.subtract(
                g, xp.multiply(xp.exp(y), xp.sum(g, axis=axis, keepdims=True))
            )
        },
        jvp={
            "x": lambda xp, t, y, axis: xp.subtract(
                t, xp.sum(xp.multiply(xp.exp(y), t), axis=axis, keepdims=True)
            )
        },
        batch=shifted(),
        kernel=_log_softmax_kernel,
    )
)


def _logsumexp_back(xp: Any, g: Any, x: Any, axis: tuple[int, ...]) -> Any:
    # softmax(x) from x itself: exp(x - y) has only the digits that y = 1e4 leaves, three or so.
    kept = tuple([1 if i in axis else n for i, n in enumerate(x.shape)])
    return xp.multiply(xp.reshape(g, kept), softmax_primitive.bind(x, axis=axis))


def _logsumexp_forward(xp: Any, t: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    weighted = xp.multiply(softmax_primitive.bind(x, axis=axis), t)
    return xp.sum(weighted, axis=axis, keepdims=keepdims)


_logsumexp = register(
    General(
        "special.logsumexp",
        "x",
        vjp={"x": _logsumexp_back},
        jvp={"x": _logsumexp_forward},
        batch=shifted(),
        kernel=_logsumexp_kernel,
    )
)


def _prepared(name: str, x: Any, axis: Any) -> tuple[Any, tuple[int, ...]]:
    x = operand(name, x)
    if not is_kind(x, "real floating"):
        raise DTypeError(
            f"xad.{name}: expected an array of a real floating-point data type, got {x.dtype}; "
            "cast it with xad.astype"
        )
    return x, many_axes(name, axis, x.ndim)


def logsumexp(x: Array, /, axis: Axis = None, keepdims: bool = False) -> Array:
    """Logarithm of the sum of exponentials over axes, without overflow.

        y = log Σ exp(x)        dy/dx = softmax(x)

    ``x``: an array of a real floating-point data type; -inf counts as nothing. ``axis``: an
    integer, a tuple of them, or None for all. ``keepdims``: keep these axes, with length one.
    Returns an array of the data type of ``x``; -inf with slope 0 where all elements are -inf.

    Errors: TypeError for what is no array of such a type; AxisError for an axis that is not there.

    >>> import xad
    >>> y = xad.special.logsumexp(xad.asarray([1000.0, 1000.0]))
    >>> round(y.item() - 1000.0, 6)
    0.693147

    Source: SciPy, ``scipy.special.logsumexp``; Blanchard, Higham and Higham, Accurately computing
    the log-sum-exp and softmax functions, 2021.
    """
    x, axes = _prepared("special.logsumexp", x, axis)
    return box(_logsumexp.bind(x, axis=axes, keepdims=bool(keepdims)))


def softmax(x: Array, /, axis: Axis = -1) -> Array:
    """Exponentials, divided by their sum over an axis.

        y = exp(x) / Σ exp(x)        vjp: g -> y (g - Σ g y)

    ``x``: an array of a real floating-point data type. ``axis``: an integer, a tuple of them, or
    None for all. Returns an array of the same shape and data type, whose sum over the axes is 1;
    0 where all elements are -inf, as where everything is masked out.

    Errors: TypeError for what is no array of such a type; AxisError for an axis that is not there.

    >>> import xad
    >>> y = xad.special.softmax(xad.asarray([[1000.0, 1000.0]]))
    >>> xad.all(y == 0.5).item()
    True

    Source: SciPy, ``scipy.special.softmax``; Bridle, 1990.
    """
    x, axes = _prepared("special.softmax", x, axis)
    return box(softmax_primitive.bind(x, axis=axes))


def log_softmax(x: Array, /, axis: Axis = -1) -> Array:
    """Logarithm of `softmax`, finite where softmax itself underflows: for cross-entropy.

        y = x - log Σ exp(x)        vjp: g -> g - exp(y) Σ g

    ``x``: an array of a real floating-point data type. ``axis``: an integer, a tuple of them, or
    None for all. Returns an array of the same shape and data type.

    Errors: TypeError for what is no array of such a type; AxisError for an axis that is not there.

    >>> import xad
    >>> y = xad.special.log_softmax(xad.asarray([10000.0, 0.0]))
    >>> xad.all(y == xad.asarray([0.0, -10000.0])).item()
    True

    Source: SciPy, ``scipy.special.log_softmax``.
    """
    x, axes = _prepared("special.log_softmax", x, axis)
    return box(_log_softmax.bind(x, axis=axes))
