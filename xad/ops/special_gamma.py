"""The gamma and beta functions, their logarithms and their derivatives."""

from __future__ import annotations

import math
from typing import Any

from xad.backend.adapter import Adapter
from xad.core.boxing import box
from xad.core.elementwise import Elementwise
from xad.core.primitive import Kernel
from xad.ops.arguments import Array, operand
from xad.ops.declare import unary
from xad.ops.elementwise_arithmetic import add, subtract
from xad.ops.searching import where
from xad.ops.special_declare import (
    SCIPY,
    of_order,
    own_or,
    several,
    special,
    together,
    whole_number,
)

__all__ = [
    "beta",
    "betaln",
    "binom",
    "digamma",
    "factorial",
    "gamma",
    "gammaln",
    "gammasgn",
    "loggamma",
    "multigammaln",
    "poch",
    "polygamma",
    "psi",
    "rgamma",
    "zeta",
]


def _polygamma_kernel(adapter: Adapter) -> Kernel:
    function = adapter.kernel("special.polygamma")

    def compute(x: Any, n: int) -> Any:
        # SciPy returns float64, whatever it was given.
        return adapter.namespace.astype(adapter.rewrap(function(n, x)), x.dtype, copy=False)

    return compute


_polygamma = of_order(
    "special.polygamma", lambda x, n: special("polygamma", x, n=n + 1), _polygamma_kernel
)


def polygamma(n: int, x: Array, /) -> Array:
    """Derivative of order n of the digamma function.

        y = ψ⁽ⁿ⁾(x)        dy/dx = ψ⁽ⁿ⁺¹⁾(x)

    ``n``: a whole number, at least 0. ``x``: an array of a real floating-point data type. Returns
    an array of the same shape and data type.

    Errors: TypeError if ``n`` is no whole number; ValueError if it is negative; BackendError if
    the library has no such function.

    >>> import xad
    >>> round(xad.special.polygamma(1, xad.asarray(1.0)).item(), 6)
    1.644934

    Source: SciPy, ``scipy.special.polygamma``; DLMF 5.15.
    """
    order = whole_number("special.polygamma", "n", n)
    return box(_polygamma.bind(operand("special.polygamma", x), n=order))


_psi = Elementwise(
    "special.psi",
    lambda x: special("polygamma", x, n=1),
    kernel=own_or("psi", lambda adapter: adapter.kernel("special.digamma")),
)
psi = unary(
    "special.psi",
    _psi,
    "The digamma function: the derivative of log Γ(x).",
    "polygamma(1, x)",
    kinds="real floating",
    source=SCIPY.format("psi", "DLMF 5.2(i), 5.15"),
)
digamma = unary(
    "special.digamma",
    _psi,
    "The digamma function: the derivative of log Γ(x), another name of `psi`.",
    "polygamma(1, x)",
    kinds="real floating",
    source=SCIPY.format("digamma", "DLMF 5.2(i), 5.15"),
)


def _sign_kernel(adapter: Adapter) -> Kernel:
    """-1 between the poles where Γ is negative, nan at those below 0, otherwise 1."""
    xp = adapter.namespace

    def sign(x: Any) -> Any:
        below = xp.floor(x)
        odd = xp.astype(xp.remainder(below, 2) == 1, x.dtype)
        out = xp.where(x < 0, 1 - 2 * odd, xp.ones_like(x))
        return xp.where((x < 0) & (below == x), xp.nan, out)

    return sign


def _gamma_kernel(adapter: Adapter) -> Kernel:
    xp, log_gamma = adapter.namespace, adapter.kernel("special.gammaln")
    sign = _sign_kernel(adapter)
    return lambda x: sign(x) * xp.exp(log_gamma(x))


def _log_gamma_kernel(adapter: Adapter) -> Kernel:
    xp, log_gamma = adapter.namespace, adapter.kernel("special.gammaln")
    return lambda x: xp.where(x < 0, xp.nan, log_gamma(x))


gamma = unary(
    "special.gamma",
    lambda x, y: y * special("psi", x),
    "The gamma function, which continues (x - 1)! between the whole numbers.",
    "y psi(x)",
    kinds="real floating",
    kernel=own_or("gamma", _gamma_kernel),
    source=SCIPY.format("gamma", "DLMF 5.2(i)"),
)
gammaln = unary(
    "special.gammaln",
    lambda x: special("psi", x),
    "log abs(Γ(x)), without overflow.",
    "psi(x)",
    kinds="real floating",
    source=SCIPY.format("gammaln", "DLMF 5.2(i)"),
)
loggamma = unary(
    "special.loggamma",
    lambda x: special("psi", x),
    "The principal branch of log Γ(x), over NumPy also of complex x; nan for real x < 0.",
    "psi(x)",
    kinds="floating",
    kernel=own_or("loggamma", _log_gamma_kernel),
    source=SCIPY.format("loggamma", "DLMF 5.2(i)"),
)
gammasgn = unary(
    "special.gammasgn",
    None,
    "The sign of Γ(x).",
    kinds="real floating",
    kernel=own_or("gammasgn", _sign_kernel),
    source=SCIPY.format("gammasgn", "DLMF 5.2(i)"),
)


def _slope_of_rgamma(xp: Any, x: Any, y: Any) -> Any:
    """-ψ(x) / Γ(x); for x < 1/2 by reflection, where it has no poles: DLMF 5.5(ii)."""
    left = x < 0.5
    low, high = xp.where(left, x, 0.5), xp.where(left, 0.5, x)
    mirrored = xp.cos(math.pi * low) * special("gamma", 1 - low) - y * special("psi", 1 - low)
    return xp.where(left, mirrored, -y * special("psi", high))


def _rgamma_kernel(adapter: Adapter) -> Kernel:
    xp, function = adapter.namespace, _own_gamma(adapter)

    def compute(x: Any) -> Any:
        pole = (x <= 0) & (xp.floor(x) == x)
        return xp.where(pole, 0.0, 1 / function(xp.where(pole, 1.0, x)))

    return compute


_own_gamma = own_or("gamma", _gamma_kernel)
rgamma = unary(
    "special.rgamma",
    _slope_of_rgamma,
    "1/Γ(x), which is 0 at the poles of Γ and has a slope there: (-1)^n n! at -n.",
    "-y psi(x)",
    kinds="real floating",
    kernel=own_or("rgamma", _rgamma_kernel),
    source=SCIPY.format("rgamma", "DLMF 5.2(i), 5.5(ii)"),
)


def _betaln_kernel(adapter: Adapter) -> Kernel:
    log_gamma = adapter.kernel("special.gammaln")
    return lambda a, b: log_gamma(a) + log_gamma(b) - log_gamma(a + b)


def _beta_kernel(adapter: Adapter) -> Kernel:
    xp, sign, log_beta = adapter.namespace, _sign_kernel(adapter), _betaln_kernel(adapter)
    return lambda a, b: sign(a) * sign(b) * sign(a + b) * xp.exp(log_beta(a, b))


def _against_sum(xp: Any, a: Any, b: Any) -> Any:
    """ψ(a) - ψ(a + b)."""
    return xp.subtract(special("psi", a), special("psi", xp.add(a, b)))


beta = several(
    "special.beta",
    "a b",
    (
        lambda xp, a, b, y: xp.multiply(y, _against_sum(xp, a, b)),
        lambda xp, a, b, y: xp.multiply(y, _against_sum(xp, b, a)),
    ),
    "The beta function Γ(a) Γ(b) / Γ(a + b).",
    "y (psi(a) - psi(a + b)), y (psi(b) - psi(a + b))",
    kernel=own_or("beta", _beta_kernel),
    source=SCIPY.format("beta", "DLMF 5.12"),
)
betaln = several(
    "special.betaln",
    "a b",
    (_against_sum, lambda xp, a, b: _against_sum(xp, b, a)),
    "log abs(B(a, b)), without overflow.",
    "psi(a) - psi(a + b), psi(b) - psi(a + b)",
    kernel=own_or("betaln", _betaln_kernel),
    source=SCIPY.format("betaln", "DLMF 5.12"),
)


def _poch_kernel(adapter: Adapter) -> Kernel:
    xp, sign = adapter.namespace, _sign_kernel(adapter)
    log_gamma = adapter.kernel("special.gammaln")

    def compute(z: Any, m: Any) -> Any:
        total = z + m
        return sign(total) * sign(z) * xp.exp(log_gamma(total) - log_gamma(z))

    return compute


poch = several(
    "special.poch",
    "z m",
    (
        lambda xp, a, b, y: xp.multiply(y, -_against_sum(xp, a, b)),
        lambda xp, a, b, y: xp.multiply(y, special("psi", xp.add(a, b))),
    ),
    "Pochhammer's symbol Γ(z + m) / Γ(z): the rising power z (z + 1) ... (z + m - 1).",
    "y (psi(z + m) - psi(z)), y psi(z + m)",
    kernel=own_or("poch", _poch_kernel),
    source=SCIPY.format("poch", "DLMF 5.2(iii)"),
)


def _binom_kernel(adapter: Adapter) -> Kernel:
    log_beta = _betaln_kernel(adapter)
    xp, sign = adapter.namespace, _sign_kernel(adapter)

    def compute(n: Any, k: Any) -> Any:
        rest = n - k + 1
        zero = (rest <= 0) & (xp.floor(rest) == rest) | (k < 0) & (xp.floor(k) == k)
        rest, chosen = xp.where(zero, 1.0, rest), xp.where(zero, 1.0, k + 1)
        total = xp.where(zero, 1.0, n + 1)
        size = xp.exp(-log_beta(rest, chosen)) / xp.abs(total)
        return xp.where(zero, 0.0, sign(total) * sign(rest) * sign(chosen) * size)

    return compute


def _binom_part(xp: Any, n: Any, k: Any, y: Any) -> Any:
    """y ψ(n - k + 1), and its limit where y = 0 at a pole of ψ."""
    rest = xp.add(xp.subtract(n, k), 1)
    pole = xp.logical_and(rest <= 0, xp.equal(xp.floor(rest), rest))
    usual = xp.multiply(y, special("psi", xp.where(pole, 1.0, rest)))
    safe = xp.where(pole, rest, 1.0)
    others = xp.multiply(special("gamma", xp.add(n, 1)), special("rgamma", xp.add(k, 1)))
    limit = xp.multiply(others, -_slope_of_rgamma(xp, safe, special("rgamma", safe)))
    return xp.where(pole, limit, usual)


binom = several(
    "special.binom",
    "n k",
    (
        lambda xp, a, b, y: xp.subtract(
            xp.multiply(y, special("psi", xp.add(a, 1))), _binom_part(xp, a, b, y)
        ),
        lambda xp, a, b, y: xp.subtract(
            _binom_part(xp, a, b, y), xp.multiply(y, special("psi", xp.add(b, 1)))
        ),
    ),
    "The binomial coefficient Γ(n + 1) / (Γ(k + 1) Γ(n - k + 1)), also between whole numbers.",
    "y (psi(n + 1) - psi(n - k + 1)), y (psi(n - k + 1) - psi(k + 1))",
    example="4.0, xad.asarray([1.0, 2.0])",
    kernel=own_or("binom", _binom_kernel),
    source=SCIPY.format("binom", "DLMF 1.2(i), 5.2"),
)
_zeta = several(
    "special.zeta",
    "x q",
    (None, lambda xp, a, b: xp.multiply(xp.negative(a), special("zeta", xp.add(a, 1), b))),
    "The Hurwitz zeta function.",
    "-x zeta(x + 1, q)",
    source=SCIPY.format("zeta", "DLMF 25.11"),
)


def zeta(x: Array, q: Array = 1.0, /) -> Array:
    """The Hurwitz zeta function Σ (k + q)^-x over k = 0, 1, ...; with q = 1 it is Riemann's.

        y = zeta(x, q)        dy/dq = -x zeta(x + 1, q)

    ``x``, ``q``: arrays whose shapes broadcast, of a real floating-point data type; a Python
    number takes the data type of the other. Returns an array of the broadcast shape, of the
    promoted data type. There is no derivative for `x`.

    Errors: TypeError for what is no array; ValueError for shapes that do not broadcast;
    BackendError if the library has no such function; NotDifferentiableError for a gradient of `x`.

    >>> import xad
    >>> round(xad.special.zeta(xad.asarray(2.0)).item(), 6)
    1.644934

    Source: SciPy, ``scipy.special.zeta``; DLMF 25.11.
    """
    return _zeta(x, q)


def factorial(n: Array, /) -> Array:
    """Γ(n + 1), which is n! for whole numbers; 0 for n < 0.

        y = Γ(n + 1)        dy/dn = y psi(n + 1)

    ``n``: an array of a real floating-point data type. Returns an array of its shape and data type.

    Errors: TypeError for what is no array; BackendError if the library has no gamma function.

    >>> import xad
    >>> round(xad.special.factorial(xad.asarray(4.0)).item(), 6)
    24.0

    Source: SciPy, ``scipy.special.factorial``; DLMF 5.4(i).
    """
    n = operand("special.factorial", n)
    negative = n < 0
    return where(negative, 0.0, gamma(where(negative, 1.0, n) + 1.0))


def multigammaln(a: Array, d: int, /) -> Array:
    """Logarithm of the multivariate gamma function, of dimension d.

        y = d (d - 1)/4 log π + Σ log Γ(a - j/2), j from 0 to d - 1        dy/da = Σ ψ(a - j/2)

    ``a``: an array of a real floating-point data type, with elements above (d - 1)/2. ``d``: a
    whole number, at least 1. Returns an array of the shape and data type of ``a``.

    Errors: TypeError if ``d`` is no whole number; ValueError if it is below 1; BackendError if the
    library has no ``gammaln``.

    >>> import xad
    >>> xad.special.multigammaln(xad.asarray([2.0, 3.0]), 2).shape
    (2,)

    Source: SciPy, ``scipy.special.multigammaln``; DLMF 35.3.
    """
    (a,) = together("special.multigammaln", operand("special.multigammaln", a))
    d = whole_number("special.multigammaln", "d", d, least=1)
    total = gammaln(a)
    for j in range(1, d):
        total = add(total, gammaln(subtract(a, 0.5 * j)))
    return total + d * (d - 1) / 4 * math.log(math.pi)
