"""A number in a product of matrices moves to the smallest of them, or to what comes out.

The gradient of a mean scales what goes back; an update scales what arrived. So in W - r (X^T G)
the rate r moves into G, where it meets the 1 / n of the mean: both take one small product.
"""

from __future__ import annotations

from math import prod
from typing import Any

from xad.core.recording import Instruction, Variable
from xad.programs.passes.walk import Expression, Rules, Walk

__all__ = ["SCALING"]


def _scale(walk: Walk, x: Any, dtype: Any) -> bool:
    """Whether ``x`` is one number: Python's, or an array's without axes."""
    if type(x) is not Variable:
        return type(x) in (int, float)
    return walk.kinds[x].shape == () and walk.kinds[x].dtype == dtype


def _size(walk: Walk, x: Variable) -> int:
    return prod(walk.kinds[x].shape)


def into_product(walk: Walk, instruction: Instruction) -> Any:
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
        if walk.kinds[smallest].dtype != kind.dtype or _size(walk, smallest) >= _size(walk, out):
            continue
        scaled = walk.emit(walk.kinds[smallest], "multiply", smallest, c)
        factors = tuple([scaled if x is smallest else x for x in inner.operands])
        return Expression("matmul", factors)
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


SCALING: Rules = {"matmul": (out_of_product,), "multiply": (into_product,)}
