"""Incomplete gamma and beta functions, and the probability distributions made of them.

The derivatives are those in the argument. In the parameters there is no closed form, and no
library has one: they are constants.
"""

from __future__ import annotations

from typing import Any

from xad.backend.adapter import Adapter
from xad.core.primitive import Kernel
from xad.ops.special_declare import SCIPY, own_or, several, special

__all__ = [
    "betainc",
    "betaincc",
    "betaincinv",
    "gammainc",
    "gammaincc",
    "gammainccinv",
    "gammaincinv",
    "stdtr",
    "stdtrit",
]


def _gamma_density(xp: Any, a: Any, b: Any) -> Any:
    """x^(a-1) exp(-x) / Γ(a) at x = b: the slope of `gammainc`; 0 at infinity."""
    far = xp.isinf(b)
    x = xp.where(far, 1.0, b)
    power = xp.subtract(special("xlogy", xp.subtract(a, 1), x), x)
    density = xp.exp(xp.subtract(power, special("gammaln", a)))
    return xp.where(far, 0.0, density)


def _beta_density(xp: Any, a: Any, b: Any, c: Any) -> Any:
    """x^(a-1) (1-x)^(b-1) / B(a, b) at x = c: the slope of `betainc`."""
    left = special("xlogy", xp.subtract(a, 1), c)
    right = special("xlog1py", xp.subtract(b, 1), xp.negative(c))
    return xp.exp(xp.subtract(xp.add(left, right), special("betaln", a, b)))


def _student_density(xp: Any, a: Any, b: Any) -> Any:
    """The slope of `stdtr`: Student's density with a degrees of freedom at b."""
    tail = xp.multiply(xp.add(a, 1), xp.log1p(xp.divide(xp.square(b), a)))
    scale = xp.add(special("betaln", xp.divide(a, 2), xp.full_like(a, 0.5)), xp.log(a) / 2)
    return xp.exp(-xp.add(tail / 2, scale))


gammainc = several(
    "special.gammainc",
    "a x",
    (None, _gamma_density),
    "The regularized lower incomplete gamma function P(a, x).",
    "x^(a-1) exp(-x) / Γ(a)",
    source=SCIPY.format("gammainc", "DLMF 8.2(i), 8.8"),
)
gammaincc = several(
    "special.gammaincc",
    "a x",
    (None, lambda xp, a, b: -_gamma_density(xp, a, b)),
    "The regularized upper incomplete gamma function Q(a, x) = 1 - P(a, x).",
    "-x^(a-1) exp(-x) / Γ(a)",
    source=SCIPY.format("gammaincc", "DLMF 8.2(i), 8.8"),
)
gammaincinv = several(
    "special.gammaincinv",
    "a p",
    (None, lambda xp, a, y: 1 / _gamma_density(xp, a, y)),
    "The x at which `gammainc` is p.",
    "Γ(a) exp(y) y^(1-a)",
    source=SCIPY.format("gammaincinv", "DLMF 8.12"),
)
gammainccinv = several(
    "special.gammainccinv",
    "a q",
    (None, lambda xp, a, y: -1 / _gamma_density(xp, a, y)),
    "The x at which `gammaincc` is q.",
    "-Γ(a) exp(y) y^(1-a)",
    source=SCIPY.format("gammainccinv", "DLMF 8.12"),
)
betainc = several(
    "special.betainc",
    "a b x",
    (None, None, _beta_density),
    "The regularized incomplete beta function.",
    "x^(a-1) (1-x)^(b-1) / B(a, b)",
    source=SCIPY.format("betainc", "DLMF 8.17"),
)
betaincinv = several(
    "special.betaincinv",
    "a b p",
    (None, None, lambda xp, a, b, y: 1 / _beta_density(xp, a, b, y)),
    "The x at which `betainc` is p.",
    "B(a, b) y^(1-a) (1-y)^(1-b)",
    source=SCIPY.format("betaincinv", "DLMF 8.17"),
)


def _betaincc_kernel(adapter: Adapter) -> Kernel:
    function = adapter.kernel("special.betainc")
    return lambda a, b, x: function(b, a, 1 - x)


betaincc = several(
    "special.betaincc",
    "a b x",
    (None, None, lambda xp, a, b, c: -_beta_density(xp, a, b, c)),
    "1 - betainc(a, b, x).",
    "-x^(a-1) (1-x)^(b-1) / B(a, b)",
    kernel=own_or("betaincc", _betaincc_kernel),
    source=SCIPY.format("betaincc", "DLMF 8.17"),
)


def _stdtr_kernel(adapter: Adapter) -> Kernel:
    xp, function = adapter.namespace, adapter.kernel("special.betainc")

    def compute(v: Any, t: Any) -> Any:
        half = v / 2
        tail = function(half, xp.full_like(half, 0.5), v / (t * t + v)) / 2
        return xp.where(t < 0, tail, 1 - tail)

    return compute


stdtr = several(
    "special.stdtr",
    "df t",
    (None, _student_density),
    "Student's distribution with df degrees of freedom: the probability of at most t.",
    "(1 + t²/df)^(-(df+1)/2) / (sqrt(df) B(1/2, df/2))",
    kernel=own_or("stdtr", _stdtr_kernel),
    source=SCIPY.format("stdtr", "Student, The probable error of a mean, 1908"),
)
stdtrit = several(
    "special.stdtrit",
    "df p",
    (None, lambda xp, a, y: 1 / _student_density(xp, a, y)),
    "The t at which `stdtr` is p.",
    "sqrt(df) B(1/2, df/2) (1 + y²/df)^((df+1)/2)",
    source=SCIPY.format("stdtrit", "Student, The probable error of a mean, 1908"),
)
