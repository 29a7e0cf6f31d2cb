"""Functions with a hole at 0 that is filled, such as sin(x)/x, with all derivatives right there.

A formula with 1/x loses its digits near 0 and has none at 0, and each further derivative loses
more. So the derivatives of f(x)/x are one operation with the order n as a parameter: near 0 it is
the power series, elsewhere what n derivatives of x F(x) = f(x) give.
"""

from __future__ import annotations

import math
from typing import Any

from xad.backend.adapter import Adapter
from xad.core.boxing import box
from xad.core.primitive import Kernel
from xad.errors import BackendError
from xad.ops.arguments import Array, operand
from xad.ops.declare import unary
from xad.ops.elementwise_arithmetic import multiply
from xad.ops.elementwise_exponential import exp, expm1
from xad.ops.special_declare import (
    SCIPY,
    MakeKernel,
    horner,
    of_order,
    own_or,
    several,
    special,
    together,
    whole_number,
)

__all__ = [
    "boxcox",
    "boxcox1p",
    "exprel",
    "inv_boxcox",
    "inv_boxcox1p",
    "sinc",
    "spence",
    "spherical_jn",
]


# ---- (exp(x) - 1) / x ------------------------------------------------------------------------


def _exprel_kernel(adapter: Adapter) -> Kernel:
    xp = adapter.namespace

    def itself(x: Any) -> Any:
        filled = xp.where((x == 0) | (x == xp.inf), 1.0, x)
        return xp.where(x == 0, 1.0, xp.expm1(x) / filled)

    own = own_or("exprel", lambda _: itself)(adapter)

    def compute(x: Any, n: int) -> Any:
        if not n:
            return own(x)
        near = xp.abs(x) < 1
        small, large = xp.where(near, x, 0.0), xp.where(near, 1.0, x)
        # The n-th derivative is exp(x) p - q, both polynomials in 1/x.
        p = q = 1 / large
        for k in range(1, n + 1):
            p, q = (1 - k * p) / large, -k * q / large
        grown = xp.where(large == xp.inf, xp.inf, xp.exp(large) * p - q)
        series = [1 / (math.factorial(k) * (k + n + 1)) for k in range(20)]
        return xp.where(near, horner(small, series), grown)

    return compute


_exprel = of_order("special.exprel", lambda x, n: special("exprel", x, n=n + 1), _exprel_kernel)


def exprel(x: Array, /) -> Array:
    """(exp(x) - 1) / x, and 1 at 0: the mean growth over a time x.

        y = (exp(x) - 1) / x        dy/dx = (exp(x) - y) / x, and 1/2 at 0

    ``x``: an array of a real floating-point data type. Returns an array of the same shape and data
    type. All derivatives are exact at and near 0.

    Errors: TypeError for what is no array.

    >>> import xad
    >>> xad.grad(xad.special.exprel)(xad.asarray(0.0)).item()
    0.5

    Source: SciPy, ``scipy.special.exprel``.
    """
    return box(_exprel.bind(operand("special.exprel", x), n=0))


# ---- log(1 + x) / x --------------------------------------------------------------------------


def _log_quotient_kernel(adapter: Adapter) -> Kernel:
    xp = adapter.namespace

    def compute(x: Any, n: int) -> Any:
        near = xp.abs(x) < 0.2
        small, large = xp.where(near, x, 0.0), xp.where(near, 1.0, x)
        out = xp.log1p(large) / large
        for k in range(1, n + 1):
            out = ((-1) ** (k - 1) * math.factorial(k - 1) * (1 + large) ** -k - k * out) / large
        series = [(-1) ** (k + n) * math.perm(k + n, n) / (k + n + 1) for k in range(28)]
        return xp.where(near, horner(small, series), out)

    return compute


_log_quotient = of_order(
    "special.log_quotient", lambda x, n: special("log_quotient", x, n=n + 1), _log_quotient_kernel
)

spence = unary(
    "special.spence",
    lambda x: -_log_quotient.bind(x - 1, n=0),
    "Spence's function, the dilogarithm of 1 - x: ∫ log(t)/(1 - t) dt from 1 to x.",
    "log(x) / (1 - x), and -1 at 1",
    kinds="real floating",
    source=SCIPY.format("spence", "DLMF 25.12(i)"),
)


# ---- sin(x) / x ------------------------------------------------------------------------------


def _spherical_kernel(adapter: Adapter) -> Kernel:
    """The power series, and for larger x the recurrence: DLMF 10.51(i), 10.53."""
    xp = adapter.namespace
    try:
        library = adapter.kernel("special.spherical_jn")
    except BackendError:
        library = None

    def compute(x: Any, n: int) -> Any:
        if n > 8 and library is not None:
            return xp.astype(adapter.rewrap(library(n, x)), x.dtype, copy=False)
        near = x * x < 4 * n + 6 if n else x == 0
        far = xp.isinf(x)
        small, large = xp.where(near, x, 0.0), xp.where(near | far, 1.0, x)
        last, out = xp.cos(large) / large, xp.sin(large) / large
        for k in range(n):
            last, out = out, (2 * k + 1) / large * out - last
        series = horner(small * small, _spherical_series(n)) * small**n if n else 1.0
        return xp.where(near, series, xp.where(far, 0.0, out))

    return compute


def _spherical_series(n: int) -> list[float]:
    """(-1/2)^k / (k! (2n + 2k + 1)!!): the coefficients in x^2."""
    odd = math.prod(range(1, 2 * n + 2, 2))
    found = [1 / odd]
    for k in range(1, 24):
        found.append(found[-1] * -0.5 / (k * (2 * n + 2 * k + 1)))
    return found


def _spherical_slope(x: Any, n: int) -> Any:
    """DLMF 10.51.2: (n j_(n-1) - (n+1) j_(n+1)) / (2n + 1)."""
    above = special("spherical_jn", x, n=n + 1)
    if not n:
        return -above
    return (n * special("spherical_jn", x, n=n - 1) - (n + 1) * above) / (2 * n + 1)


_spherical = of_order("special.spherical_jn", _spherical_slope, _spherical_kernel)


def spherical_jn(n: int, z: Array, /, derivative: bool = False) -> Array:
    """Spherical Bessel function of the first kind, of whole order n.

        y = j_n(z)        dy/dz = (n j_(n-1)(z) - (n+1) j_(n+1)(z)) / (2n + 1)

    ``n``: a whole number, at least 0. ``z``: an array of a real floating-point data type.
    ``derivative``: return the derivative instead. Returns an array of the shape and data type of
    ``z``. Over libraries other than NumPy, orders above 10 lose digits where abs(z) is about n.

    Errors: TypeError if ``n`` is no whole number; ValueError if it is negative.

    >>> import xad
    >>> xad.special.spherical_jn(0, xad.asarray(0.0)).item()
    1.0

    Source: SciPy, ``scipy.special.spherical_jn``; DLMF 10.47(ii), 10.51.
    """
    order = whole_number("special.spherical_jn", "n", n)
    z = operand("special.spherical_jn", z)
    return box(_spherical_slope(z, order) if derivative else _spherical.bind(z, n=order))


def sinc(x: Array, /) -> Array:
    """sin(πx) / (πx), and 1 at 0.

        y = sin(πx) / (πx)        dy/dx = (cos(πx) - y) / x, and 0 at 0

    ``x``: an array of a real floating-point data type. Returns an array of the same shape and data
    type. All derivatives are exact at and near 0.

    Errors: TypeError for what is no array.

    >>> import xad
    >>> round(xad.hessian(xad.special.sinc)(xad.asarray(0.0)).item(), 6)
    -3.289868

    Source: SciPy, ``scipy.special.sinc``.
    """
    return box(_spherical.bind(multiply(operand("special.sinc", x), math.pi), n=0))


# ---- Box and Cox -----------------------------------------------------------------------------


def _box_cox_kernel(shifted: bool) -> MakeKernel:
    def make(adapter: Adapter) -> Kernel:
        xp = adapter.namespace

        def compute(x: Any, power: Any) -> Any:
            zero = x == (-1 if shifted else 0)
            inside = xp.where(zero, 0.0 if shifted else 1.0, x)
            logarithm = xp.log1p(inside) if shifted else xp.log(inside)
            straight = power == 0
            divisor = xp.where(straight, 1.0, power)
            out = xp.where(straight, logarithm, xp.expm1(power * logarithm) / divisor)
            return xp.where(zero, xp.where(power > 0, -1 / divisor, -xp.inf), out)

        return compute

    return make


def _power_slope(xp: Any, logarithm: Any, power: Any) -> Any:
    """Of expm1(power log) / power in the power: log^2 exprel'(power log), at log(0) 1/power^2."""
    floor = xp.isinf(logarithm)
    inside = xp.where(floor, 0.0, logarithm)
    bend = special("exprel", xp.multiply(power, inside), n=1)
    return xp.where(floor, 1 / xp.square(power), xp.multiply(xp.square(inside), bend))


_COX = "Box and Cox, An analysis of transformations, 1964"

boxcox = several(
    "special.boxcox",
    "x lmbda",
    (
        lambda xp, a, b: xp.exp(special("xlogy", xp.subtract(b, 1), a)),
        lambda xp, a, b: _power_slope(xp, xp.log(a), b),
    ),
    "The transformation of Box and Cox, (x^lmbda - 1) / lmbda, and log(x) for lmbda = 0.",
    "x^(lmbda-1), (x^lmbda log(x) - y) / lmbda",
    kernel=own_or("boxcox", _box_cox_kernel(shifted=False)),
    source=SCIPY.format("boxcox", _COX),
)
boxcox1p = several(
    "special.boxcox1p",
    "x lmbda",
    (
        lambda xp, a, b: xp.exp(special("xlog1py", xp.subtract(b, 1), a)),
        lambda xp, a, b: _power_slope(xp, xp.log1p(a), b),
    ),
    "`boxcox` of 1 + x, exact for small x too.",
    "(1+x)^(lmbda-1), ((1+x)^lmbda log1p(x) - y) / lmbda",
    kernel=own_or("boxcox1p", _box_cox_kernel(shifted=True)),
    source=SCIPY.format("boxcox1p", _COX),
)


def _inverse_logarithm(name: str, y: Any, lmbda: Any) -> Any:
    """log(1 + lmbda y) / lmbda."""
    y, lmbda = together(name, y, lmbda)
    return multiply(y, box(_log_quotient.bind(multiply(lmbda, y), n=0)))


def inv_boxcox(y: Array, lmbda: Array, /) -> Array:
    """The x at which `boxcox` is y.

        x = (1 + lmbda y)^(1/lmbda)        dx/dy = x / (1 + lmbda y)

    ``y``, ``lmbda``: arrays whose shapes broadcast, of a real floating-point data type; a Python
    number takes the data type of the other. For lmbda = 0 it is exp(y), with both its slopes.

    Errors: TypeError for what is no array; ValueError for shapes that do not broadcast.

    >>> import xad
    >>> xad.special.inv_boxcox(xad.asarray([0.5, 0.75]), 2.0).shape
    (2,)

    Source: SciPy, ``scipy.special.inv_boxcox``; Box and Cox, An analysis of transformations, 1964.
    """
    return exp(_inverse_logarithm("special.inv_boxcox", y, lmbda))


def inv_boxcox1p(y: Array, lmbda: Array, /) -> Array:
    """The x at which `boxcox1p` is y: `inv_boxcox` less 1, exact for small x too.

        x = (1 + lmbda y)^(1/lmbda) - 1        dx/dy = (1 + x) / (1 + lmbda y)

    ``y``, ``lmbda``: arrays whose shapes broadcast, of a real floating-point data type; a Python
    number takes the data type of the other.

    Errors: TypeError for what is no array; ValueError for shapes that do not broadcast.

    >>> import xad
    >>> xad.special.inv_boxcox1p(xad.asarray([0.5, 0.75]), 2.0).shape
    (2,)

    Source: SciPy, ``scipy.special.inv_boxcox1p``; Box and Cox, 1964.
    """
    return expm1(_inverse_logarithm("special.inv_boxcox1p", y, lmbda))
