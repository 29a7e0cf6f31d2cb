"""A number in a product of matrices moves to the smallest of them, or to what comes out.

The gradient of a mean scales what goes back; an update scales what arrived. So in W - r (X^T G)
the rate r moves into G, where it meets the 1 / n of the mean: both take one small product.

Of one row, the sum is the row: it takes the number that the row has been scaled by already.

This rounds elsewhere, in sums that programs take in another order than eager code as it is. So
where the matrix is far smaller than the product it is always done; the rest where it is asked for.
"""

from __future__ import annotations

from math import prod
from typing import Any

from xad.core.recording import Instruction, Variable
from xad.programs.listing import dtype_name
from xad.programs.passes.factors import usable
from xad.programs.passes.walk import Expression, Rules, Walk

__all__ = ["SCALING", "SCALING_BY_FAR"]

FAR = 4
"""So many times smaller is far smaller."""
WIDE = ("float32", "float64")
"""Narrower types would leave their range: a number often stands there to keep products in it."""


def _scale(walk: Walk, x: Any, dtype: Any) -> bool:
    """Whether ``x`` is one number: Python's, or an array's without axes."""
    if type(x) is not Variable:
        return type(x) in (int, float) and usable(x)
    return walk.kinds[x].shape == () and walk.kinds[x].dtype == dtype


def _size(walk: Walk, x: Variable) -> int:
    return prod(walk.kinds[x].shape)


def into_product(walk: Walk, instruction: Instruction, times: int = 1) -> Any:
    """(A B) c = A (B c) where B is smaller than A B; (A c) B likewise."""
    out = instruction.outputs[0]
    kind = walk.kinds[out]
    for product, c in (instruction.operands, instruction.operands[::-1]):
        inner = walk.maker(product, "matmul")
        if inner is None or walk.uses[product] > 1 or not _scale(walk, c, kind.dtype):
            continue
        if walk.kinds[product] != kind or not walk.is_real(product):
            continue
        smallest = min(inner.operands, key=lambda x: _size(walk, x))
        if walk.kinds[smallest].dtype != kind.dtype:
            continue
        if _size(walk, smallest) * times >= _size(walk, out):
            continue
        scaled = walk.emit(walk.kinds[smallest], "multiply", smallest, c)
        factors = tuple([scaled if x is smallest else x for x in inner.operands])
        return Expression("matmul", factors)
    return None


def into_far_larger(walk: Walk, instruction: Instruction) -> Any:
    """(A B) c = A (B c) where B is far smaller than A B; (A c) B likewise."""
    if dtype_name(walk.kinds[instruction.outputs[0]].dtype) not in WIDE:
        return None
    return into_product(walk, instruction, FAR)


def total_of_one(walk: Walk, instruction: Instruction) -> Any:
    """The sum, or mean, over axes of length one: the same elements (NumPy's -0.0 becomes 0.0)."""
    (x,) = instruction.operands
    out, shape = walk.kinds[instruction.outputs[0]], walk.kinds[x].shape
    axes = instruction.params["axis"]
    axes = range(len(shape)) if axes is None else axes if type(axes) is tuple else (axes,)
    if out.dtype != walk.kinds[x].dtype or any(shape[axis] != 1 for axis in axes):
        return None
    return Expression("reshape", instruction.operands, {"shape": out.shape})


def before_reshape(walk: Walk, instruction: Instruction) -> Any:
    """A number times a reshaped array: the array times the number, reshaped."""
    out = walk.kinds[instruction.outputs[0]]
    for x, c in (instruction.operands, instruction.operands[::-1]):
        maker = walk.maker(x, "reshape")
        if maker is None or walk.kinds[x] != out or not walk.is_real(x):
            continue
        if not _scale(walk, c, out.dtype):
            continue
        kind = walk.kinds[maker.operands[0]]
        scaled = walk.emit(kind, "multiply", maker.operands[0], c)
        return Expression("reshape", (scaled,), {"shape": out.shape})
    return None


def out_of_product(walk: Walk, instruction: Instruction) -> Any:
    """(A c) B = (A B) c where A B is smaller than A; A (B c) likewise."""
    out = instruction.outputs[0]
    kind = walk.kinds[out]
    operands = instruction.operands
    for place, x in enumerate(operands):
        maker = walk.maker(x, "multiply")
        if maker is None or walk.uses[x] > 1 or _size(walk, x) <= _size(walk, out):
            continue
        for a, c in (maker.operands, maker.operands[::-1]):
            same = type(a) is Variable and walk.kinds[a] == walk.kinds[x]
            if not same or not walk.is_real(a) or not _scale(walk, c, kind.dtype):
                continue
            if walk.kinds[a].dtype != kind.dtype:
                continue
            factors = [a if i == place else y for i, y in enumerate(operands)]
            return Expression("multiply", (walk.emit(kind, "matmul", *factors), c))
    return None


SCALING_BY_FAR: Rules = {
    "mean": (total_of_one,),
    "multiply": (into_far_larger, before_reshape),
    "sum": (total_of_one,),
}
SCALING: Rules = {"matmul": (out_of_product,), "multiply": (into_product,)}
