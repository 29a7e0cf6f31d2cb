"""Elementwise arithmetic, each function with its slope: dy/dx, or dy/da and dy/db."""

from __future__ import annotations

import cmath
import math
from typing import Any

from xad.backend.adapter import Adapter
from xad.core.diagnosis import SCALARS
from xad.core.elementwise import over
from xad.core.primitive import Kernel
from xad.ops.declare import binary, primitives, unary

__all__ = [
    "add",
    "copysign",
    "divide",
    "hypot",
    "maximum",
    "minimum",
    "multiply",
    "negative",
    "nextafter",
    "positive",
    "pow",
    "reciprocal",
    "remainder",
    "sqrt",
    "square",
    "subtract",
]

add = binary("add", (1, 1), "Sum of two arrays, element by element.", "1, 1")
subtract = binary("subtract", (1, -1), "Difference of two arrays, element by element.", "1, -1")
multiply = binary(
    "multiply",
    (lambda b: b, lambda a: a),
    "Product of two arrays, element by element.",
    "x2, x1",
)


divide = binary(
    "divide",
    (over(lambda b: b), over(lambda b: b, times=lambda y: -y)),
    "Quotient of two arrays, element by element.",
    "1/x2, -x1/x2²",
    kinds="floating",
)
positive = unary("positive", 1, "Each element as it is.", "1", kinds="numeric")
negative = unary("negative", -1, "Each element with its sign changed.", "-1", kinds="numeric")
square = unary("square", lambda x: 2 * x, "Square of each element.", "2x", kinds="numeric")
sqrt = unary(
    "sqrt",
    lambda y: 0.5 / y,
    "Square root of each element; the slope at zero is infinite.",
    "1 / (2 sqrt(x))",
)
reciprocal = unary("reciprocal", lambda y: -y * y, "1/x of each element.", "-1/x²")


def _pow_kernel(adapter: Adapter) -> Kernel:
    """Operators know short cuts for numbers, such as x * x for x ** 2; functions do not."""
    function = adapter.kernel("pow")

    def power(a: Any, b: Any) -> Any:
        return a**b if type(b) in SCALARS or type(a) in SCALARS else function(a, b)

    return power


def _pow_slope_of_base(xp: Any, a: Any, b: Any) -> Any:
    """b * a**(b-1), and 0 for exponent 0, where a**-1 may be infinite."""
    if type(b) in SCALARS:
        if b in (0, 1):
            return int(b.real)
        return 2 * a if b == 2 else b * primitives["pow"].bind(a, b - 1)
    return xp.multiply(b, primitives["pow"].bind(a, xp.where(b == 0, 1, b) - 1))


def _pow_slope_of_exponent(xp: Any, a: Any, y: Any) -> Any:
    """log(a) * a**b, and 0 for base 0: 0**b is constant for b > 0."""
    if type(a) is complex:
        return cmath.log(a or 1) * y
    if type(a) in SCALARS:
        return (math.log(a or 1) if a >= 0 else math.nan) * y
    return xp.multiply(xp.log(xp.where(a == 0, 1, a)), y)


pow = binary(
    "pow",
    (_pow_slope_of_base, _pow_slope_of_exponent),
    "x1 to the power of x2, element by element; x**0 has slope 0 everywhere.",
    "x2 x1^(x2-1), log(x1) x1^x2",
    kernel=_pow_kernel,
)
remainder = binary(
    "remainder",
    (1, lambda xp, a, b, y: xp.divide(xp.subtract(y, a), b)),
    "Remainder of the division, with the sign of the divisor.",
    "1, -floor(x1/x2)",
    kinds="real",
)
hypot = binary(
    "hypot",
    (
        lambda xp, a, y: xp.divide(a, xp.where(y == 0, 1, y)),
        lambda xp, b, y: xp.divide(b, xp.where(y == 0, 1, y)),
    ),
    "Length of the hypotenuse, without overflow; the slopes at (0, 0) are 0.",
    "x1/y, x2/y",
    kinds="real floating",
)


def _share_of_larger(xp: Any, a: Any, b: Any, dtype: Any) -> Any:
    """1 where a > b, 1/2 where a = b, otherwise 0; for nan 0/0, which is nan."""
    attains = xp.astype(xp.greater_equal(a, b), dtype)
    return attains / (attains + xp.astype(xp.greater_equal(b, a), dtype))


maximum = binary(
    "maximum",
    (
        lambda xp, a, b: _share_of_larger(xp, a, b, a.dtype),
        lambda xp, a, b: _share_of_larger(xp, b, a, b.dtype),
    ),
    "The larger of each two elements; where they are equal, each has slope 1/2.",
    "1 for the larger and 0 for the other",
    kinds="real",
)
minimum = binary(
    "minimum",
    (
        lambda xp, a, b: _share_of_larger(xp, b, a, a.dtype),
        lambda xp, a, b: _share_of_larger(xp, a, b, b.dtype),
    ),
    "The smaller of each two elements; where they are equal, each has slope 1/2.",
    "1 for the smaller and 0 for the other",
    kinds="real",
)
copysign = binary(
    "copysign",
    (lambda xp, a, y: xp.sign(a) * xp.sign(y), 0),
    "The magnitude of x1 with the sign of x2; the slope at x1 = 0 is 0.",
    "sign(x1) sign(x2), 0",
    kinds="real floating",
)
nextafter = binary(
    "nextafter",
    (1, 0),
    "The next floating-point number after x1 on the way to x2.",
    "1, 0",
    kinds="real floating",
)
