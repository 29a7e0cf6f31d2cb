"""Error functions, the normal distribution, Dawson's integral and exponential integrals."""

from __future__ import annotations

import math
from typing import Any

from xad.backend.adapter import Adapter
from xad.core.boxing import box
from xad.core.elementwise import Elementwise
from xad.core.primitive import Kernel
from xad.errors import BackendError
from xad.ops.arguments import Array, operand
from xad.ops.declare import register, unary
from xad.ops.special_declare import SCIPY, horner, of_order, own_or, special, whole_number

__all__ = [
    "dawsn",
    "erfcinv",
    "erfcx",
    "erfi",
    "erfinv",
    "exp1",
    "expi",
    "expn",
    "log_ndtr",
    "ndtr",
    "ndtri",
    "ndtri_exp",
    "wofz",
]

_ROOT_PI = math.sqrt(math.pi)
_PEAK = 2 / _ROOT_PI
_HALF = math.sqrt(0.5)
_NORMAL = 1 / math.sqrt(2 * math.pi)
_END = 1e8  # 1 + 1/x² is 1 from here on

FAR = 20.0
"""From here on a few terms of the asymptotic series give all digits."""


def _odd_products(sign: int) -> list[float]:
    """1, ±1·3, 1·3·5, ...: the coefficients of the asymptotic series (DLMF 7.12)."""
    found = [1.0]
    for k in range(1, 9):
        found.append(found[-1] * sign * (2 * k + 1))
    return found


def _slope_of_erfcx(xp: Any, x: Any, y: Any) -> Any:
    """2 x y - 2/sqrt(π); for large x, where the two cancel, the asymptotic series of it."""
    far = x > FAR
    large = xp.where(far, x, FAR)
    tail = 1 / (2 * large * large)
    series = -_PEAK * tail * horner(tail, _odd_products(-1))
    return xp.where(far, series, 2 * x * y - _PEAK)


def _slope_of_dawsn(xp: Any, x: Any, y: Any) -> Any:
    """1 - 2 x y, and likewise."""
    far = xp.abs(x) > FAR
    large = xp.where(far, x, FAR)
    tail = 1 / (2 * large * large)
    return xp.where(far, -tail * horner(tail, _odd_products(1)), 1 - 2 * x * y)


erfcx = unary(
    "special.erfcx",
    _slope_of_erfcx,
    "exp(x²) erfc(x), which does not underflow.",
    "2 x y - 2/sqrt(π)",
    kinds="real floating",
    source=SCIPY.format("erfcx", "DLMF 7.2(i), 7.10, 7.12"),
)
erfi = unary(
    "special.erfi",
    lambda xp, x: _PEAK * xp.exp(x * x),
    "The imaginary error function -i erf(i x).",
    "2/sqrt(π) exp(x²)",
    kinds="floating",
    source=SCIPY.format("erfi", "DLMF 7.10"),
)
erfinv = unary(
    "special.erfinv",
    lambda xp, y: _ROOT_PI / 2 * xp.exp(y * y),
    "The inverse of the error function.",
    "sqrt(π)/2 exp(y²)",
    kinds="real floating",
    source=SCIPY.format("erfinv", "DLMF 7.17"),
)


def _erfcinv_kernel(adapter: Adapter) -> Kernel:
    quantile = adapter.kernel("special.ndtri")
    return lambda x: -_HALF * quantile(x / 2)


erfcinv = unary(
    "special.erfcinv",
    lambda xp, y: -_ROOT_PI / 2 * xp.exp(y * y),
    "The inverse of the complementary error function.",
    "-sqrt(π)/2 exp(y²)",
    kinds="real floating",
    kernel=own_or("erfcinv", _erfcinv_kernel),
    source=SCIPY.format("erfcinv", "DLMF 7.17"),
)


def _ndtr_kernel(adapter: Adapter) -> Kernel:
    function = adapter.kernel("special.erfc")
    return lambda x: function(-_HALF * x) / 2


ndtr = unary(
    "special.ndtr",
    lambda xp, x: _NORMAL * xp.exp(-x * x / 2),
    "The normal distribution: the probability of at most x.",
    "exp(-x²/2) / sqrt(2π)",
    kinds="real floating",
    kernel=own_or("ndtr", _ndtr_kernel),
    source=SCIPY.format("ndtr", "DLMF 7.20(iii)"),
)


def _hazard_kernel(adapter: Adapter) -> Kernel:
    try:
        function = adapter.kernel("special.erfcx")
    except BackendError:
        exp, logarithm = adapter.namespace.exp, adapter.kernel("special.log_ndtr")
        return lambda x: _NORMAL * exp(-x * x / 2 - logarithm(x))
    return lambda x: 2 * _NORMAL / function(-_HALF * x)


def _slope_of_hazard(xp: Any, x: Any, y: Any) -> Any:
    """-y (x + y); below 0, where the two cancel, by way of erfcx, and in the end -1."""
    end = x < -_END
    left = xp.logical_and(x < 0, xp.logical_not(end))
    low, density = xp.where(left, x, 0.0), xp.where(left, y, 2 * _NORMAL)
    inner = _slope_of_erfcx(xp, -_HALF * low, 2 * _NORMAL / density)
    right = -y * (xp.where(xp.abs(x) > _END, 0.0, x) + y)
    out = xp.where(left, _ROOT_PI / 2 * inner * density * density, right)
    return xp.where(end, -1.0, out)


# The density over the distribution, 2φ/erfc: exact on both sides, and never infinite over infinite.
register(Elementwise("special.log_ndtr_slope", _slope_of_hazard, kernel=_hazard_kernel))

log_ndtr = unary(
    "special.log_ndtr",
    lambda x: special("log_ndtr_slope", x),
    "Logarithm of the normal distribution, also far out on the left.",
    "exp(-x²/2) / (sqrt(2π) ndtr(x))",
    kinds="real floating",
    source=SCIPY.format("log_ndtr", "DLMF 7.20(iii)"),
)
ndtri = unary(
    "special.ndtri",
    lambda xp, y: xp.exp(y * y / 2) / _NORMAL,
    "The inverse of the normal distribution.",
    "sqrt(2π) exp(y²/2)",
    kinds="real floating",
    source=SCIPY.format("ndtri", "DLMF 7.17"),
)
ndtri_exp = unary(
    "special.ndtri_exp",
    lambda x, y: special("log_ndtr_slope", y) ** -1,
    "The inverse of `log_ndtr`.",
    "sqrt(2π) exp(x + y²/2)",
    kinds="real floating",
    source=SCIPY.format("ndtri_exp", "DLMF 7.17"),
)
dawsn = unary(
    "special.dawsn",
    _slope_of_dawsn,
    "Dawson's integral exp(-x²) ∫ exp(t²) dt from 0 to x.",
    "1 - 2 x y",
    kinds="real floating",
    source=SCIPY.format("dawsn", "DLMF 7.2(ii), 7.10, 7.12"),
)


def _wofz_kernel(adapter: Adapter) -> Kernel:
    function = adapter.kernel("special.wofz")
    # Of a real float32 array SciPy makes a double.
    return lambda x: function(x + 0j)


wofz = unary(
    "special.wofz",
    lambda x, y: _PEAK * 1j - 2 * x * y,
    "The Faddeeva function exp(-x²) erfc(-i x).",
    "2i/sqrt(π) - 2 x y",
    kinds="floating",
    returns="the complex data type of that precision",
    kernel=_wofz_kernel,
    source=SCIPY.format("wofz", "DLMF 7.2(i), 7.10"),
)

exp1 = unary(
    "special.exp1",
    lambda xp, x: -xp.exp(-x) / x,
    "The exponential integral ∫ exp(-t)/t dt from x to infinity.",
    "-exp(-x)/x",
    kinds="floating",
    source=SCIPY.format("exp1", "DLMF 6.2(i)"),
)
expi = unary(
    "special.expi",
    lambda xp, x: xp.exp(x) / x,
    "The exponential integral ∫ exp(t)/t dt from -infinity to x.",
    "exp(x)/x",
    kinds="real floating",
    source=SCIPY.format("expi", "DLMF 6.2(i)"),
)


def _expn_kernel(adapter: Adapter) -> Kernel:
    function, xp = adapter.kernel("special.expn"), adapter.namespace

    def compute(x: Any, n: int) -> Any:
        if n > 0:
            return xp.astype(adapter.rewrap(function(n, x)), x.dtype, copy=False)
        # Libraries begin with n = 1; below, E_n = (exp(-x) - n E_{n+1}) / x: DLMF 8.19(iv).
        decay = xp.exp(-x)
        out = decay / x
        for order in range(-1, n - 1, -1):
            out = (decay - order * out) / x
        return out

    return compute


_expn = of_order("special.expn", lambda x, n: -special("expn", x, n=n - 1), _expn_kernel)


def expn(n: int, x: Array, /) -> Array:
    """The generalized exponential integral ∫ exp(-x t) / t^n dt from 1 to infinity.

        y = E_n(x)        dy/dx = -E_(n-1)(x)

    ``n``: a whole number, at least 0. ``x``: an array of a real floating-point data type, x >= 0.
    Returns an array of the same shape and data type.

    Errors: TypeError if ``n`` is no whole number; ValueError if it is negative; BackendError if
    the library has no such function.

    >>> import xad
    >>> xad.special.expn(2, xad.asarray(0.0)).item()
    1.0

    Source: SciPy, ``scipy.special.expn``; DLMF 8.19.
    """
    order = whole_number("special.expn", "n", n)
    return box(_expn.bind(operand("special.expn", x), n=order))
