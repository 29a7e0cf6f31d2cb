"""Constants: what depends on nothing else is computed now, and arrays of one number become numbers.

A number costs no memory to read; and other rules know what to do with a 1. It takes the data type
of the arrays that it stands with, so it may stand only for an array of their data type.
"""

from __future__ import annotations

from math import isnan, prod
from typing import Any

from xad.core.recording import Instruction, Variable
from xad.programs.passes.walk import EVERY, Expression, Rules, Walk, broadcast_shape

__all__ = ["CONSTANTS", "number_of"]

FEW = 4096
"""Results of so many elements are computed now even if they are larger than what they come from."""

ORDERED = ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
TAKE_NUMBERS = ("add", "subtract", "multiply", "divide", "maximum", "minimum", "where", *ORDERED)

DIVIDE_EXACTLY = frozenset(["numpy", "cupy", "array_api_strict"])
"""Others multiply by the reciprocal of a number, or by the number the reciprocal of an array."""


def folded(walk: Walk, instruction: Instruction) -> Any:
    """Compute what depends on constants alone, unless it would take more memory than they do."""
    operands = instruction.operands
    if any(type(x) is Variable and x not in walk.constants for x in operands):
        return None
    arrays = [walk.constants[x] for x in operands if type(x) is Variable]
    adapter = walk.adapter
    if not arrays or adapter is None or any(adapter.lazy(x) or is_tracked(x) for x in arrays):
        return None
    kind = walk.kinds[instruction.outputs[0]]
    if prod(kind.shape) > max([FEW, *[prod(x.shape) for x in arrays]]):
        return None
    values = [walk.constants[x] if type(x) is Variable else x for x in operands]
    with adapter.around_rules(arrays[0]):
        result = adapter.rewrap(instruction.primitive.compute(values, instruction.params))
    out = walk.new(kind)
    walk.constants[out] = result
    return out


def is_tracked(array: Any) -> bool:
    """Whether gradients are asked of a constant, by its own library: it must stay what it is."""
    return bool(getattr(array, "requires_grad", False))


def with_numbers(walk: Walk, instruction: Instruction) -> Any:
    """Numbers in place of constants that are full of one, where nothing else changes by it."""
    name, operands = instruction.primitive.name, list(instruction.operands)
    if name == "divide" and (walk.adapter is None or walk.adapter.name not in DIVIDE_EXACTLY):
        return None
    first = name == "where"
    shape = walk.kinds[instruction.outputs[0]].shape
    for i in range(first, len(operands)):
        x = operands[i]
        if type(x) is not Variable or x not in walk.constants:
            continue
        rest = [y for y in (*operands[:i], *operands[i + 1 :]) if type(y) is Variable]
        partners = [y for y in rest if not first or y != operands[0]]
        dtype = walk.kinds[x].dtype
        if not partners or any(walk.kinds[y].dtype != dtype for y in partners):
            continue
        if broadcast_shape([walk.kinds[y].shape for y in rest]) != shape:
            continue
        number = number_of(walk, x)
        if number is not None:
            operands[i] = number
    if tuple(operands) == instruction.operands:
        return None
    return Expression(name, tuple(operands), instruction.params)


def number_of(walk: Walk, x: Variable) -> Any:
    """The number that a constant is full of; None if it is not, or no number is the same."""
    if x not in walk.numbers:
        walk.numbers[x] = _number_in(walk, x)
    return walk.numbers[x]


def _number_in(walk: Walk, x: Variable) -> Any:
    array, adapter = walk.constants[x], walk.adapter
    shape = walk.kinds[x].shape
    if adapter is None or adapter.lazy(array) or not prod(shape) or not walk.is_real(x):
        return None
    if is_tracked(array):
        return None
    ends = [float(array[(i,) * len(shape)]) for i in (0, -1)]
    number = ends[0]
    # repr tells -0.0 from 0.0. The elements of nan may differ in ways that a number cannot.
    if repr(number) != repr(ends[1]) or isnan(number):
        return None
    xp = adapter.namespace
    same = array == array[(0,) * len(shape)]
    if number == 0 and bool(xp.any(xp.signbit(array))) == (repr(number) == "0.0"):
        return None
    return number if bool(xp.all(same)) else None


CONSTANTS: Rules = {
    EVERY: (folded,),
    **dict.fromkeys(TAKE_NUMBERS, (with_numbers,)),
}
