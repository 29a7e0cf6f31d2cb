"""Arithmetic that changes no bit: signs of zeros, infinities and nan are those of the original."""

from __future__ import annotations

import math
from typing import Any

from xad.core.recording import Instruction, Variable
from xad.programs.passes.walk import Expression, Rules, Walk

__all__ = ["ARITHMETIC"]


def _is_number(x: Any, value: float) -> bool:
    """Whether ``x`` is this number, its sign included."""
    if type(x) is Variable or type(x) is complex:
        return False
    return bool(x == value and math.copysign(1.0, x) == math.copysign(1.0, value))


def _negated(walk: Walk, x: Any) -> Any:
    """What ``x`` is the negative of, if it was made so."""
    maker = walk.maker(x, "negative")
    return None if maker is None else maker.operands[0]


def _real_number(walk: Walk, x: Any, partner: Any) -> bool:
    """Whether ``x`` is a number beside a real floating-point array: its sign may be changed."""
    return type(x) in (int, float) and walk.is_real(partner)


def multiply(walk: Walk, instruction: Instruction) -> Any:
    """x * 1 = x, x * -1 = -x, -x * c = x * -c, -x * -y = x * y."""
    a, b = instruction.operands
    for x, c in ((a, b), (b, a)):
        if walk.is_complex(x):
            return None
        if _is_number(c, 1):
            return x
        if _is_number(c, -1) and walk.fits([x], walk.kinds[instruction.outputs[0]]):
            return Expression("negative", (x,))
        if _real_number(walk, c, x) and _negated(walk, x) is not None:
            return Expression("multiply", (_negated(walk, x), -float(c)))
    if walk.is_real(a) and walk.is_real(b):
        x, y = _negated(walk, a), _negated(walk, b)
        if x is not None and y is not None:
            return Expression("multiply", (x, y))
    return None


def divide(walk: Walk, instruction: Instruction) -> Any:
    """x / 1 = x, x / -1 = -x, x / 2 = x * 0.5, -x / c = x / -c, c / -x = -c / x."""
    a, b = instruction.operands
    if _real_number(walk, b, a):
        if _is_number(b, 1):
            return a
        if _is_number(b, -1):
            return Expression("negative", (a,))
        if _negated(walk, a) is not None:
            return Expression("divide", (_negated(walk, a), -float(b)))
        if _is_power_of_two(b):
            return Expression("multiply", (a, 1 / b))
    if _real_number(walk, a, b) and _negated(walk, b) is not None:
        return Expression("divide", (-float(a), _negated(walk, b)))
    if walk.is_real(a) and walk.is_real(b):
        x, y = _negated(walk, a), _negated(walk, b)
        if x is not None and y is not None:
            return Expression("divide", (x, y))
    return None


def _is_power_of_two(x: float) -> bool:
    """One whose reciprocal every floating-point data type has: then both ways round alike."""
    return x != 0 and abs(math.frexp(x)[0]) == 0.5 and 2.0**-14 <= abs(x) <= 2.0**14


def add(walk: Walk, instruction: Instruction) -> Any:
    """x + -0.0 = x, n + 0 = n, x + -y = x - y; x + 0.0 = x where x is never -0.0."""
    a, b = instruction.operands
    for x, c in ((a, b), (b, a)):
        if walk.is_complex(x) or type(x) is complex:
            return None
        if _is_number(c, -0.0) or (_is_number(c, 0) and _has_no_negative_zero(walk, x)):
            return x
    for x, y in ((a, b), (b, a)):
        other = _negated(walk, y)
        if other is not None and _is_signed_alike(walk, y, instruction):
            return Expression("subtract", (x, other))
    return None


def _is_signed_alike(walk: Walk, x: Variable, instruction: Instruction) -> bool:
    """Whether -x in the result's data type is the same as the negative of x in it.

    It is for real numbers. Integers of another type wrap around in their own.
    """
    return walk.is_real(x) or walk.kinds[x].dtype == walk.kinds[instruction.outputs[0]].dtype


def _has_no_negative_zero(walk: Walk, x: Any) -> bool:
    if type(x) is not Variable or walk.is_complex(x):
        return False
    if not walk.is_real(x):
        return True
    maker = walk.makers.get(x)
    if maker is None:
        return False
    name, operands = maker.primitive.name, maker.operands
    if name == "multiply":
        return bool(operands[0] == operands[1])
    if name == "add":
        return any(_is_number(c, 0) for c in operands)
    return name in ("abs", "exp", "square", "special.expit")


def subtract(walk: Walk, instruction: Instruction) -> Any:
    """x - 0 = x, x - -y = x + y."""
    a, b = instruction.operands
    if walk.is_complex(a) or walk.is_complex(b) or type(a) is complex:
        return None
    if _is_number(b, 0):
        return a
    other = _negated(walk, b)
    if other is None or not _is_signed_alike(walk, b, instruction):
        return None
    return Expression("add", (a, other))


def negative(walk: Walk, instruction: Instruction) -> Any:
    """-(-x) = x; and -(x * c) = x * -c if nobody else needs x * c."""
    (x,) = instruction.operands
    if _negated(walk, x) is not None:
        return _negated(walk, x)
    maker = walk.maker(x, "multiply")
    if maker is None or walk.uses[x] != 1:
        return None
    a, b = maker.operands
    if _real_number(walk, b, a):
        return Expression("multiply", (a, -float(b)))
    if _real_number(walk, a, b):
        return Expression("multiply", (-float(a), b))
    return None


def power(walk: Walk, instruction: Instruction) -> Any:
    """x ** 1 = x, x ** 2 = x * x."""
    x, exponent = instruction.operands
    if type(exponent) not in (int, float) or not walk.is_real(x):
        return None
    if exponent == 1:
        return x
    return Expression("multiply", (x, x)) if exponent == 2 else None


def square(walk: Walk, instruction: Instruction) -> Any:
    """(-x)^2 = x^2."""
    other = _negated(walk, instruction.operands[0])
    return None if other is None else Expression("square", (other,))


def itself(walk: Walk, instruction: Instruction) -> Any:
    """+x = x; and the real part and the conjugate of what is real."""
    (x,) = instruction.operands
    return None if walk.is_complex(x) else x


def absolute(walk: Walk, instruction: Instruction) -> Any:
    """| |x| | = |x|, | -x | = |x|."""
    (x,) = instruction.operands
    if walk.is_complex(x):
        return None
    if walk.maker(x, "abs") is not None:
        return x
    other = _negated(walk, x)
    return Expression("abs", (other,)) if other is not None and walk.is_real(x) else None


def one_of_two(walk: Walk, instruction: Instruction) -> Any:
    """max(x, x) = x, for whatever is the same as both."""
    a, b = instruction.operands
    return a if type(a) is Variable and a == b else None


def same_at_zeros(walk: Walk, instruction: Instruction) -> Any:
    """f(x + 0) = f(x) where f does not tell 0.0 from -0.0."""
    maker = walk.maker(instruction.operands[0], "add")
    if maker is None:
        return None
    a, b = maker.operands
    for x, c in ((a, b), (b, a)):
        if _is_number(c, 0) and walk.is_real(x):
            return Expression(instruction.primitive.name, (x,))
    return None


ARITHMETIC: Rules = {
    "abs": (absolute, same_at_zeros),
    "add": (add,),
    "bitwise_and": (one_of_two,),
    "bitwise_or": (one_of_two,),
    "conj": (itself,),
    "cos": (same_at_zeros,),
    "cosh": (same_at_zeros,),
    "divide": (divide,),
    "exp": (same_at_zeros,),
    "logical_and": (one_of_two,),
    "logical_or": (one_of_two,),
    "maximum": (one_of_two,),
    "minimum": (one_of_two,),
    "multiply": (multiply,),
    "negative": (negative,),
    "positive": (itself,),
    "pow": (power,),
    "real": (itself,),
    "special.expit": (same_at_zeros,),
    "square": (square, same_at_zeros),
    "subtract": (subtract,),
}
