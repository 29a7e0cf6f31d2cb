"""Circular and hyperbolic functions and their inverses, element by element, with their slopes."""

from __future__ import annotations

from typing import Any

from xad.core.conform import is_complex
from xad.core.elementwise import over
from xad.ops.declare import binary, unary

__all__ = [
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cos",
    "cosh",
    "sin",
    "sinh",
    "tan",
    "tanh",
]

sin = unary("sin", lambda xp, x: xp.cos(x), "Sine of each element, in radians.", "cos(x)")
cos = unary("cos", lambda xp, x: -xp.sin(x), "Cosine of each element, in radians.", "-sin(x)")
tan = unary("tan", lambda y: 1 + y * y, "Tangent of each element, in radians.", "1 + tan²(x)")

# Products of roots, not roots of products: they neither overflow nor leave the principal branch.
asin = unary(
    "asin",
    over(lambda xp, x: xp.sqrt(1 - x) * xp.sqrt(1 + x)),
    "Inverse sine of each element; the slope at -1 and 1 is infinite.",
    "1 / sqrt(1 - x²)",
)
acos = unary(
    "acos",
    lambda xp, x: -1 / (xp.sqrt(1 - x) * xp.sqrt(1 + x)),
    "Inverse cosine of each element; the slope at -1 and 1 is infinite.",
    "-1 / sqrt(1 - x²)",
)
atan = unary("atan", over(lambda x: 1 + x * x), "Inverse tangent of each element.", "1/(1 + x²)")


def _over_square(xp: Any, a: Any, b: Any, other: Any) -> Any:
    """``other`` / (a² + b²) without overflow, and 0 at the origin."""
    length = xp.hypot(a, b)
    length = xp.where(length == 0, 1, length)
    return xp.divide(xp.divide(other, length), length)


atan2 = binary(
    "atan2",
    (
        lambda xp, a, b: _over_square(xp, a, b, b),
        lambda xp, a, b: -_over_square(xp, a, b, a),
    ),
    "Angle of the point (x2, x1), from -pi to pi; the slopes at the origin are 0.",
    "x2/(x1² + x2²), -x1/(x1² + x2²)",
    kinds="real floating",
)
sinh = unary("sinh", lambda xp, x: xp.cosh(x), "Hyperbolic sine of each element.", "cosh(x)")
cosh = unary("cosh", lambda xp, x: xp.sinh(x), "Hyperbolic cosine of each element.", "sinh(x)")
tanh = unary("tanh", lambda y: 1 - y * y, "Hyperbolic tangent of each element.", "1 - tanh²(x)")


def _hypotenuse(xp: Any, x: Any) -> Any:
    return xp.sqrt(1 + x * x) if is_complex(x.dtype, x) else xp.hypot(x, 1.0)


asinh = unary(
    "asinh", over(_hypotenuse), "Inverse hyperbolic sine of each element.", "1 / sqrt(1 + x²)"
)
acosh = unary(
    "acosh",
    over(lambda xp, x: xp.sqrt(x - 1) * xp.sqrt(x + 1)),
    "Inverse hyperbolic cosine of each element; the slope at 1 is infinite.",
    "1 / sqrt(x² - 1)",
    kinds="floating from 1",
)
atanh = unary(
    "atanh",
    over(lambda x: (1 - x) * (1 + x)),
    "Inverse hyperbolic tangent of each element; the slope at -1 and 1 is infinite.",
    "1 / (1 - x²)",
)
