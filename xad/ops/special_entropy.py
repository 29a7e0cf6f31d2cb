"""Entropies, logarithms with a factor that may be 0, and losses that are mild on outliers.

Where a library lacks one of them it is composed of the standard's functions.
"""

from __future__ import annotations

import math
from typing import Any

from xad.backend.adapter import Adapter
from xad.core.elementwise import Elementwise
from xad.core.primitive import Kernel
from xad.ops.declare import register, unary
from xad.ops.special_declare import SCIPY, own_or, several

__all__ = [
    "cbrt",
    "cosm1",
    "entr",
    "exp2",
    "exp10",
    "huber",
    "kl_div",
    "logit",
    "pseudo_huber",
    "rel_entr",
    "xlog1py",
]

_SHANNON = "Shannon, A mathematical theory of communication, 1948"
_KULLBACK = "Kullback and Leibler, On information and sufficiency, 1951"
_HUBER = "Huber, Robust estimation of a location parameter, 1964"


# ---- entropies -------------------------------------------------------------------------------


def _entr_kernel(adapter: Adapter) -> Kernel:
    xp = adapter.namespace

    def compute(x: Any) -> Any:
        inside = xp.where(x > 0, x, 1.0)
        out = xp.where(x < 0, -xp.inf, -inside * xp.log(inside))
        return xp.where(xp.isnan(x), x, out)

    return compute


entr = unary(
    "special.entr",
    lambda xp, x: -xp.log(x) - 1,
    "-x log(x), what one outcome of probability x adds to the entropy; 0 at 0, -inf below.",
    "-log(x) - 1",
    kinds="real floating",
    kernel=own_or("entr", _entr_kernel),
    source=SCIPY.format("entr", _SHANNON),
)


def _log_ratio_kernel(adapter: Adapter) -> Kernel:
    """log(a/b), also where a/b is too large or small for a number; 0 at (0, 0)."""
    xp = adapter.namespace

    def compute(a: Any, b: Any) -> Any:
        both = (a == 0) & (b == 0)
        a, b = xp.where(both, 1.0, a), xp.where(both, 1.0, b)
        ratio = a / b
        beyond = (ratio == 0) | xp.isinf(ratio)
        safe = xp.where(beyond, 1.0, ratio)
        return xp.where(beyond, xp.log(a) - xp.log(b), xp.log(safe))

    return compute


_log_ratio = register(
    Elementwise(
        "special.log_ratio",
        lambda a: 1 / a,
        lambda b: -1 / b,
        kernel=_log_ratio_kernel,
    )
)


def _share(xp: Any, a: Any, b: Any) -> Any:
    """a/b, and 0 where a = 0."""
    return xp.divide(a, xp.where(xp.equal(a, 0), 1.0, b))


def _divergence_kernel(adapter: Adapter, kullback: bool) -> Kernel:
    xp, log_ratio = adapter.namespace, _log_ratio_kernel(adapter)

    def compute(a: Any, b: Any) -> Any:
        inside = (a > 0) & (b > 0)
        numerator, denominator = xp.where(inside, a, 1.0), xp.where(inside, b, 1.0)
        out = numerator * log_ratio(numerator, denominator)
        if kullback:
            out = out - numerator + denominator
        edge = b if kullback else xp.zeros_like(b)
        out = xp.where(inside, out, xp.where((a == 0) & (b >= 0), edge, xp.inf))
        return xp.where(xp.isnan(a) | xp.isnan(b), xp.nan, out)

    return compute


rel_entr = several(
    "special.rel_entr",
    "p q",
    (
        lambda xp, a, b: xp.add(_log_ratio.bind(a, b), 1),
        lambda xp, a, b: xp.negative(_share(xp, a, b)),
    ),
    "p log(p/q), what one outcome adds to the relative entropy; 0 where p = 0, inf below.",
    "log(p/q) + 1, -p/q",
    kernel=own_or("rel_entr", lambda adapter: _divergence_kernel(adapter, kullback=False)),
    source=SCIPY.format("rel_entr", _KULLBACK),
)
kl_div = several(
    "special.kl_div",
    "p q",
    (
        lambda xp, a, b: _log_ratio.bind(a, b),
        lambda xp, a, b: 1 - _share(xp, a, b),
    ),
    "p log(p/q) - p + q, which is never negative; its sum is the divergence of Kullback, Leibler.",
    "log(p/q), 1 - p/q",
    kernel=own_or("kl_div", lambda adapter: _divergence_kernel(adapter, kullback=True)),
    source=SCIPY.format("kl_div", _KULLBACK),
)


# ---- exponentials and logarithms -------------------------------------------------------------


def _xlog1py_kernel(adapter: Adapter) -> Kernel:
    xp = adapter.namespace

    def compute(a: Any, b: Any) -> Any:
        # b == b: nan is to come through.
        return a * xp.log1p(xp.where((a == 0) & (b == b), 0.0, b))  # noqa: PLR0124

    return compute


xlog1py = several(
    "special.xlog1py",
    "x1 x2",
    (
        lambda xp, a, b: xp.log1p(
            xp.where(xp.logical_and(xp.equal(a, 0), xp.equal(b, -1)), 0.0, b)
        ),
        lambda xp, a, b: _share(xp, a, xp.add(b, 1)),
    ),
    "x1 log(1 + x2), and 0 where x1 = 0; the slopes at (0, -1) are 0.",
    "log1p(x2), x1 / (1 + x2)",
    kernel=_xlog1py_kernel,
    source=SCIPY.format("xlog1py", "DLMF 4.2"),
)


def _logit_kernel(adapter: Adapter) -> Kernel:
    xp = adapter.namespace

    def compute(p: Any) -> Any:
        # Near 1/2, where the logarithm is near 0, by way of what it is an area of.
        middle = xp.abs(p - 0.5) < 0.25
        odds = xp.where(middle, 1.0, p) / xp.where(middle, 1.0, 1 - p)
        return xp.where(middle, 2 * xp.atanh(xp.where(middle, 2 * p - 1, 0.0)), xp.log(odds))

    return compute


logit = unary(
    "special.logit",
    lambda x: 1 / (x * (1 - x)),
    "log(x / (1 - x)), the inverse of `expit`.",
    "1 / (x (1 - x))",
    kinds="real floating",
    kernel=own_or("logit", _logit_kernel),
    source=SCIPY.format(
        "logit", "Berkson, Application of the logistic function to bio-assay, 1944"
    ),
)


def _power_kernel(base: float) -> Any:
    def make(adapter: Adapter) -> Kernel:
        power, xp = adapter.kernel("pow"), adapter.namespace
        return lambda x: power(xp.full_like(x, base), x)

    return make


exp2 = unary(
    "special.exp2",
    lambda y: math.log(2) * y,
    "2 to the power of x.",
    "log(2) y",
    kinds="real floating",
    kernel=own_or("exp2", _power_kernel(2.0)),
    source=SCIPY.format("exp2", "DLMF 4.2"),
)
exp10 = unary(
    "special.exp10",
    lambda y: math.log(10) * y,
    "10 to the power of x.",
    "log(10) y",
    kinds="real floating",
    kernel=own_or("exp10", _power_kernel(10.0)),
    source=SCIPY.format("exp10", "DLMF 4.2"),
)


def _cbrt_kernel(adapter: Adapter) -> Kernel:
    xp = adapter.namespace
    return lambda x: xp.sign(x) * xp.abs(x) ** (1 / 3)


cbrt = unary(
    "special.cbrt",
    lambda y: 1 / (3 * y * y),
    "The real cube root; the slope at 0 is infinite.",
    "1 / (3 y²)",
    kinds="real floating",
    kernel=own_or("cbrt", _cbrt_kernel),
    source=SCIPY.format("cbrt", "DLMF 4.2"),
)


def _cosm1_kernel(adapter: Adapter) -> Kernel:
    xp = adapter.namespace
    return lambda x: -2 * xp.square(xp.sin(x / 2))


cosm1 = unary(
    "special.cosm1",
    lambda xp, x: -xp.sin(x),
    "cos(x) - 1, exact for small x too.",
    "-sin(x)",
    kinds="real floating",
    kernel=own_or("cosm1", _cosm1_kernel),
    source=SCIPY.format("cosm1", "DLMF 4.21"),
)


# ---- losses ----------------------------------------------------------------------------------


def _huber_kernel(adapter: Adapter) -> Kernel:
    xp = adapter.namespace

    def compute(delta: Any, r: Any) -> Any:
        size = xp.abs(r)
        out = xp.where(size <= delta, r * r / 2, delta * (size - delta / 2))
        return xp.where(delta < 0, xp.inf, out)

    return compute


def _beyond(xp: Any, a: Any, b: Any) -> Any:
    """abs(b) - a outside, and 0 inside."""
    size = xp.abs(b)
    return xp.where(xp.less_equal(size, a), 0.0, xp.subtract(size, a))


huber = several(
    "special.huber",
    "delta r",
    (
        _beyond,
        lambda xp, a, b: xp.where(xp.less_equal(xp.abs(b), a), b, xp.multiply(xp.sign(b), a)),
    ),
    "Huber's loss: r²/2 up to delta, and a straight line beyond.",
    "max(abs(r) - delta, 0), max(-delta, min(r, delta))",
    kernel=own_or("huber", _huber_kernel),
    source=SCIPY.format("huber", _HUBER),
)


def _pseudo_huber_kernel(adapter: Adapter) -> Kernel:
    xp = adapter.namespace

    def compute(delta: Any, r: Any) -> Any:
        total = xp.hypot(delta, r) + delta
        zero = total == 0
        out = delta * (r * (r / xp.where(zero, 1.0, total)))
        return xp.where(delta < 0, xp.inf, out)

    return compute


def _length(xp: Any, delta: Any, r: Any) -> Any:
    """hypot(delta, r), and 1 where that is 0."""
    length = xp.hypot(delta, r)
    return xp.where(xp.equal(length, 0), 1.0, length)


def _slope_of_delta(xp: Any, a: Any, b: Any) -> Any:
    """(h - a)²/h with h = hypot(a, b): h - a is b²/(h + a)."""
    length = _length(xp, a, b)
    excess = xp.multiply(b, xp.divide(b, xp.add(length, a)))
    return xp.multiply(excess, xp.divide(excess, length))


pseudo_huber = several(
    "special.pseudo_huber",
    "delta r",
    (
        _slope_of_delta,
        lambda xp, a, b: xp.multiply(a, xp.divide(b, _length(xp, a, b))),
    ),
    "A smooth version of Huber's loss: delta² (sqrt(1 + (r/delta)²) - 1).",
    "(h - delta)²/h, delta r/h with h = hypot(delta, r)",
    kernel=own_or("pseudo_huber", _pseudo_huber_kernel),
    source=SCIPY.format("pseudo_huber", "Charbonnier et al., 1997; Huber, 1964"),
)
