"""Exponentials and logarithms, element by element, each with its slope."""

from __future__ import annotations

import math
from typing import Any

from xad.core.elementwise import over
from xad.ops.declare import binary, unary
from xad.ops.special import expit_primitive

__all__ = ["exp", "expm1", "log", "log1p", "log2", "log10", "logaddexp"]

_LN2 = math.log(2)
_LN10 = math.log(10)

exp = unary("exp", lambda y: y, "e to the power of each element.", "exp(x)")
expm1 = unary("expm1", lambda y: y + 1, "exp(x) - 1, exact for small x too.", "exp(x)")
log = unary("log", over(lambda x: x), "Natural logarithm of each element.", "1/x")
log1p = unary("log1p", over(lambda x: 1 + x), "log(1 + x), exact for small x too.", "1/(1 + x)")
log2 = unary("log2", over(lambda x: x * _LN2), "Logarithm to base 2.", "1/(x log 2)")
log10 = unary("log10", over(lambda x: x * _LN10), "Logarithm to base 10.", "1/(x log 10)")


def _weight(xp: Any, a: Any, b: Any) -> Any:
    """exp(a) / (exp(a) + exp(b)), and 1/2 where both are the same infinity."""
    return expit_primitive.bind(xp.where(xp.equal(a, b), 0, xp.subtract(a, b)))


logaddexp = binary(
    "logaddexp",
    (_weight, lambda xp, a, b: _weight(xp, b, a)),
    "log(exp(x1) + exp(x2)) without overflow.",
    "expit(x1 - x2), expit(x2 - x1)",
    kinds="real floating",
)
