"""Factors put together: the same in mathematics, rounded elsewhere, so only where that is allowed.

Numbers move to the end of a product, where they meet; products and quotients of one element are
taken in the order that takes fewest operations.
"""

from __future__ import annotations

from math import isfinite
from typing import Any

from xad.core.recording import Instruction, Variable
from xad.programs.passes.walk import Expression, Rules, Walk

__all__ = ["FACTORS", "usable"]


def _scaled(walk: Walk, x: Any) -> tuple[Any, float] | None:
    """The array and the number that ``x`` is the product of."""
    maker = walk.maker(x, "multiply")
    if maker is None:
        return None
    for a, c in (maker.operands, maker.operands[::-1]):
        if type(c) in (int, float) and walk.is_real(a) and usable(c):
            return a, float(c)
    return None


def _alone(walk: Walk, x: Variable) -> bool:
    """Whether nobody needs ``x`` but the operation that asks; rules know of their own results."""
    return walk.uses[x] <= 1


def usable(c: float) -> bool:
    """Whether a product of numbers has neither grown nor shrunk out of float32's range."""
    return isfinite(c) and 1e-30 < abs(c) < 1e30


def multiply(walk: Walk, instruction: Instruction) -> Any:
    """(x c) d = x (c d), (c / x) d = (c d) / x, (x c) y = (x y) c, y (1 / x) = y / x."""
    kind = walk.kinds[instruction.outputs[0]]
    for x, y in (instruction.operands, instruction.operands[::-1]):
        if type(x) is not Variable:
            continue
        found = _scaled(walk, x)
        quotient = walk.maker(x, "divide")
        if type(y) in (int, float):
            if found is not None and usable(found[1] * y):
                return Expression("multiply", (found[0], found[1] * y))
            if quotient is not None and type(quotient.operands[0]) in (int, float):
                numerator, divisor = quotient.operands
                if usable(numerator * y):
                    return Expression("divide", (float(numerator * y), divisor))
        elif found is not None and _alone(walk, x) and walk.fits([found[0], y], kind):
            if walk.kinds[found[0]] == kind:
                product = walk.emit(kind, "multiply", found[0], y)
                return Expression("multiply", (product, found[1]))
        elif quotient is not None and _alone(walk, x) and walk.kinds[x] == kind:
            one, divisor = quotient.operands
            if type(one) in (int, float) and one == 1 and walk.fits([y, divisor], kind):
                return Expression("divide", (y, divisor))
    return None


def divide(walk: Walk, instruction: Instruction) -> Any:
    """x / c = x (1 / c), (x c) / y = (x / y) c."""
    x, y = instruction.operands
    kind = walk.kinds[instruction.outputs[0]]
    if type(y) in (int, float) and walk.is_real(x) and y and usable(1 / y):
        return Expression("multiply", (x, 1 / y))
    found = _scaled(walk, x) if walk.is_real(x) and walk.is_real(y) else None
    if found is None or not _alone(walk, x) or walk.kinds[found[0]] != kind:
        return None
    quotient = walk.emit(kind, "divide", found[0], y)
    return Expression("multiply", (quotient, found[1]))


def total(walk: Walk, instruction: Instruction) -> Any:
    """sum(x c) = sum(x) c, sum(-x) = -sum(x); and of means."""
    (x,) = instruction.operands
    kind = walk.kinds[instruction.outputs[0]]
    if not walk.is_real(x) or kind.dtype != walk.kinds[x].dtype or not _alone(walk, x):
        return None
    name, params = instruction.primitive.name, instruction.params
    sign = walk.maker(x, "negative")
    if sign is not None:
        return Expression("negative", (walk.emit(kind, name, *sign.operands, **params),))
    found = _scaled(walk, x)
    if found is None or walk.kinds[found[0]] != walk.kinds[x]:
        return None
    return Expression("multiply", (walk.emit(kind, name, found[0], **params), found[1]))


def matmul(walk: Walk, instruction: Instruction) -> Any:
    """(A B) C = A (B C), whichever takes fewer multiplications."""
    left, right = instruction.operands
    kind = walk.kinds[instruction.outputs[0]]
    if len(walk.kinds[left].shape) != 2 or len(walk.kinds[right].shape) != 2:
        return None
    for x, other, on_left in ((left, right, True), (right, left, False)):
        inner = walk.maker(x, "matmul")
        if inner is None or not _alone(walk, x) or left == right:
            continue
        three = [*inner.operands, other] if on_left else [other, *inner.operands]
        if any(len(walk.kinds[v].shape) != 2 or walk.kinds[v].dtype != kind.dtype for v in three):
            continue
        m, k = walk.kinds[three[0]].shape
        n, p = walk.kinds[three[2]].shape
        first, last = m * n * (k + p), k * p * (n + m)
        if on_left and last < first:
            product = walk.emit(kind._replace(shape=(k, p)), "matmul", *three[1:])
            return Expression("matmul", (three[0], product))
        if not on_left and first < last:
            product = walk.emit(kind._replace(shape=(m, n)), "matmul", *three[:2])
            return Expression("matmul", (product, three[2]))
    return None


def plus_zero(walk: Walk, instruction: Instruction) -> Any:
    """x + 0 = x but for the sign of zeros."""
    for x, c in (instruction.operands, instruction.operands[::-1]):
        if type(c) in (int, float) and c == 0 and walk.is_real(x):
            return x
    return None


FACTORS: Rules = {
    "add": (plus_zero,),
    "divide": (divide,),
    "matmul": (matmul,),
    "mean": (total,),
    "multiply": (multiply,),
    "sum": (total,),
}
