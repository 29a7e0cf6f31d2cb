"""Bessel functions. J for oscillations, I and K for growth and decay, Y and K infinite at 0.

Derivatives are in the argument. Those of J and I of a whole order are functions of the orders
beside it, which is right at 0 too, where a formula with 1/x is not; libraries that have only the
orders 0 and 1 get the higher ones by recurrence.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from xad.backend.adapter import Adapter
from xad.core.conform import namespace_of
from xad.core.elementwise import Slope
from xad.core.primitive import Kernel
from xad.errors import BackendError
from xad.ops.declare import unary
from xad.ops.special_declare import SCIPY, MakeKernel, horner, of_order, several, special

__all__ = [
    "i0",
    "i0e",
    "i1",
    "i1e",
    "iv",
    "ive",
    "j0",
    "j1",
    "jv",
    "k0",
    "k0e",
    "k1",
    "k1e",
    "kv",
    "kve",
    "y0",
    "y1",
    "yn",
    "yv",
]

_FIRST_KIND = "DLMF 10.2(ii), 10.6"
_MODIFIED = "DLMF 10.25(ii), 10.29"
_TERMS = 16


# ---- whole orders ----------------------------------------------------------------------------


def _of_whole_order(letter: str, sign: int, scaled: str = "") -> MakeKernel:
    """The kernel of J (sign -1) or I (sign 1) of order n, ``scaled`` by exp(-abs(x)) or not."""

    def make(adapter: Adapter) -> Kernel:
        try:
            function = adapter.kernel(f"special.{letter}v{scaled}")
        except BackendError:
            return by_recurrence(adapter, letter, sign, scaled)
        return lambda x, n: function(n, x)

    return make


def by_recurrence(adapter: Adapter, letter: str, sign: int, scaled: str) -> Kernel:
    """From the orders 0 and 1 upwards, and for small x the power series: DLMF 10.6(i), 10.8."""
    xp = adapter.namespace
    first, second = (adapter.kernel(f"special.{letter}{n}{scaled}") for n in (0, 1))

    def compute(x: Any, n: int) -> Any:
        if n < 2:
            return second(x) if n else first(x)
        near = xp.abs(x) < n + 1
        small, large = xp.where(near, x, 0.0), xp.where(near, float(n + 1), x)
        last, out = first(large), second(large)
        for k in range(1, n):
            last, out = out, sign * (last - 2 * k / large * out)
        series = horner(small * small / 4, _series(sign, n)) * (small / 2) ** n
        if scaled:
            series = series * xp.exp(-xp.abs(small))
        return xp.where(near, series, out)

    return compute


def _series(sign: int, n: int) -> list[float]:
    """sign^k / (k! (k + n)!): the coefficients in (x/2)^2."""
    terms = range(_TERMS + n)
    return [sign**k / (math.factorial(k) * math.factorial(k + n)) for k in terms]


def _neighbours(name: str, sign: int, scaled: bool = False) -> Callable[..., Any]:
    """The slope of order n: half the order below and ``sign`` times half the one above."""

    def slope(x: Any, n: int) -> Any:
        below = special(name, x, n=n - 1) if n else sign * special(name, x, n=1)
        above = special(name, x, n=n + 1)
        out = (below + sign * above) / 2
        if scaled:
            out = out - namespace_of(x).sign(x) * special(name, x, n=n)
        return out

    return slope


of_order("special.j_whole", _neighbours("j_whole", -1), _of_whole_order("j", -1))
of_order("special.i_whole", _neighbours("i_whole", 1), _of_whole_order("i", 1))
of_order("special.ie_whole", _neighbours("ie_whole", 1, scaled=True), _of_whole_order("i", 1, "e"))


def _unary(name: str, slope: Slope, summary: str, derivative: str, source: str) -> Any:
    return unary(
        f"special.{name}",
        slope,
        summary,
        derivative,
        kinds="real floating",
        source=SCIPY.format(name, source),
    )


j0 = _unary(
    "j0",
    lambda x: -special("j1", x),
    "Bessel function of the first kind, of order 0.",
    "-j1(x)",
    _FIRST_KIND,
)
j1 = _unary(
    "j1",
    lambda x: (special("j0", x) - special("j_whole", x, n=2)) / 2,
    "Bessel function of the first kind, of order 1.",
    "(j0(x) - jv(2, x)) / 2",
    _FIRST_KIND,
)
y0 = _unary(
    "y0",
    lambda x: -special("y1", x),
    "Bessel function of the second kind, of order 0.",
    "-y1(x)",
    _FIRST_KIND,
)
y1 = _unary(
    "y1",
    lambda x, y: special("y0", x) - y / x,
    "Bessel function of the second kind, of order 1.",
    "y0(x) - y/x",
    _FIRST_KIND,
)
i0 = _unary(
    "i0",
    lambda x: special("i1", x),
    "Modified Bessel function of the first kind, of order 0.",
    "i1(x)",
    _MODIFIED,
)
i1 = _unary(
    "i1",
    lambda x: (special("i0", x) + special("i_whole", x, n=2)) / 2,
    "Modified Bessel function of the first kind, of order 1.",
    "(i0(x) + iv(2, x)) / 2",
    _MODIFIED,
)
i0e = _unary(
    "i0e",
    lambda xp, x, y: special("i1e", x) - xp.sign(x) * y,
    "exp(-abs(x)) i0(x), which does not overflow.",
    "i1e(x) - sign(x) y",
    _MODIFIED,
)
i1e = _unary(
    "i1e",
    lambda xp, x, y: (special("i0e", x) + special("ie_whole", x, n=2)) / 2 - xp.sign(x) * y,
    "exp(-abs(x)) i1(x), which does not overflow.",
    "(i0e(x) + ive(2, x)) / 2 - sign(x) y",
    _MODIFIED,
)
k0 = _unary(
    "k0",
    lambda x: -special("k1", x),
    "Modified Bessel function of the second kind, of order 0.",
    "-k1(x)",
    _MODIFIED,
)
k1 = _unary(
    "k1",
    lambda x, y: -special("k0", x) - y / x,
    "Modified Bessel function of the second kind, of order 1.",
    "-k0(x) - y/x",
    _MODIFIED,
)
k0e = _unary(
    "k0e",
    lambda x, y: y - special("k1e", x),
    "exp(x) k0(x), which does not underflow.",
    "y - k1e(x)",
    _MODIFIED,
)
k1e = _unary(
    "k1e",
    lambda x, y: y - special("k0e", x) - y / x,
    "exp(x) k1(x), which does not underflow.",
    "y - k0e(x) - y/x",
    _MODIFIED,
)


# ---- any order -------------------------------------------------------------------------------


def _beside(name: str, sign: int) -> Callable[..., Any]:
    """Half the order below and ``sign`` times half the one above."""

    def slope(xp: Any, a: Any, b: Any) -> Any:
        below, above = special(name, xp.subtract(a, 1), b), special(name, xp.add(a, 1), b)
        return (below + sign * above) / 2

    return slope


def _of_any_order(
    name: str, slope: Slope, summary: str, derivative: str, source: str, order: str = "v"
) -> Any:
    return several(
        f"special.{name}",
        f"{order} x",
        (None, slope),
        summary,
        derivative,
        example="2, xad.asarray([0.5, 0.75])",
        source=SCIPY.format(name, source),
    )


_ive, _kv, _kve = (_beside(name, 1) for name in ("ive", "kv", "kve"))

jv = _of_any_order(
    "jv",
    _beside("jv", -1),
    "Bessel function of the first kind, of real order v.",
    "(jv(v-1, x) - jv(v+1, x)) / 2",
    _FIRST_KIND,
)
yv = _of_any_order(
    "yv",
    _beside("yv", -1),
    "Bessel function of the second kind, of real order v.",
    "(yv(v-1, x) - yv(v+1, x)) / 2",
    _FIRST_KIND,
)
yn = _of_any_order(
    "yn",
    _beside("yn", -1),
    "Bessel function of the second kind, of whole order n.",
    "(yn(n-1, x) - yn(n+1, x)) / 2",
    _FIRST_KIND,
    order="n",
)
iv = _of_any_order(
    "iv",
    _beside("iv", 1),
    "Modified Bessel function of the first kind, of real order v.",
    "(iv(v-1, x) + iv(v+1, x)) / 2",
    _MODIFIED,
)
ive = _of_any_order(
    "ive",
    lambda xp, a, b, y: _ive(xp, a, b) - xp.multiply(xp.sign(b), y),
    "exp(-abs(x)) iv(v, x), which does not overflow.",
    "(ive(v-1, x) + ive(v+1, x)) / 2 - sign(x) y",
    _MODIFIED,
)
kv = _of_any_order(
    "kv",
    lambda xp, a, b: -_kv(xp, a, b),
    "Modified Bessel function of the second kind, of real order v.",
    "-(kv(v-1, x) + kv(v+1, x)) / 2",
    _MODIFIED,
)
kve = _of_any_order(
    "kve",
    lambda xp, a, b, y: xp.subtract(y, _kve(xp, a, b)),
    "exp(x) kv(v, x), which does not underflow.",
    "y - (kve(v-1, x) + kve(v+1, x)) / 2",
    _MODIFIED,
)
