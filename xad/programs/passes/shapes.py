"""Shapes: what only looks at memory in another way is done once, late, or not at all."""

from __future__ import annotations

from typing import Any

from xad.core.recording import Instruction, Variable
from xad.programs.listing import Kind
from xad.programs.passes.walk import (
    EVERY_ELEMENTWISE,
    Expression,
    Rules,
    Walk,
    broadcast_shape,
)

__all__ = ["SHAPES"]

ROUND_ALIKE = frozenset(
    {
        "abs",
        "add",
        "astype",
        "divide",
        "equal",
        "greater",
        "greater_equal",
        "less",
        "less_equal",
        "logical_and",
        "logical_not",
        "logical_or",
        "maximum",
        "minimum",
        "multiply",
        "negative",
        "not_equal",
        "sqrt",
        "square",
        "subtract",
        "where",
    }
)
"""Libraries compute these alike, whatever way the elements lie in memory."""


def reshape(walk: Walk, instruction: Instruction) -> Any:
    """To the shape that it has already: itself. Of a reshaped array: of the array before that."""
    (x,) = instruction.operands
    shape = instruction.params["shape"]
    if walk.kinds[x].shape == shape:
        return x
    before = walk.maker(x, "reshape")
    return None if before is None else Expression("reshape", before.operands, {"shape": shape})


def permute_dims(walk: Walk, instruction: Instruction) -> Any:
    """Into the order that the axes have: itself. Of a permuted array: both in one."""
    (x,) = instruction.operands
    axes = tuple(instruction.params["axes"])
    if axes == tuple(range(len(axes))):
        return x
    before = walk.maker(x, "permute_dims")
    if before is None:
        return None
    both = tuple([before.params["axes"][i] for i in axes])
    return Expression("permute_dims", before.operands, {"axes": both})


def broadcast_to(walk: Walk, instruction: Instruction) -> Any:
    """To the shape that it has already: itself. Of a broadcast array: of the array before that."""
    (x,) = instruction.operands
    shape = instruction.params["shape"]
    if walk.kinds[x].shape == shape:
        return x
    before = walk.maker(x, "broadcast_to")
    return None if before is None else Expression("broadcast_to", before.operands, {"shape": shape})


def without_broadcasts(walk: Walk, instruction: Instruction) -> Any:
    """Elementwise operations broadcast by themselves; where all operands repeat, do it after."""
    sources = tuple([_source(walk, x) for x in instruction.operands])
    if sources == instruction.operands:
        return None
    name, params = instruction.primitive.name, instruction.params
    kinds = [walk.kinds[x] for x in sources if type(x) is Variable]
    known = kinds[1:] if name == "where" else kinds
    if any(kind.dtype != known[0].dtype for kind in known):
        # torch lets arrays without axes have less of a say in the data type.
        return None
    out = walk.kinds[instruction.outputs[0]]
    shape = broadcast_shape([kind.shape for kind in kinds])
    if shape == out.shape:
        return Expression(name, sources, params)
    if name not in ROUND_ALIKE or not shape:
        return None
    small = walk.emit(Kind(shape, out.dtype), name, *sources, **params)
    return Expression("broadcast_to", (small,), {"shape": out.shape})


def _source(walk: Walk, x: Any) -> Any:
    maker = walk.maker(x, "broadcast_to")
    return x if maker is None else maker.operands[0]


def getitem(walk: Walk, instruction: Instruction) -> Any:
    """All of it: itself."""
    (x,) = instruction.operands
    shape = walk.kinds[x].shape
    key = instruction.params["key"]
    whole = type(key) is tuple and all(type(part) is slice for part in key)
    if whole and all(part.indices(n) == (0, n, 1) for part, n in zip(key, shape, strict=False)):
        return x
    return None


def flip(walk: Walk, instruction: Instruction) -> Any:
    """Twice along the same axes: not at all."""
    before = walk.maker(instruction.operands[0], "flip")
    same = before is not None and before.params["axis"] == instruction.params["axis"]
    return before.operands[0] if before is not None and same else None


def first(walk: Walk, instruction: Instruction) -> Any:
    """The operand itself: for what changes nothing if the result is of the operand's kind."""
    return instruction.operands[0]


SHAPES: Rules = {
    "astype": (first,),
    "broadcast_to": (broadcast_to,),
    "flip": (flip,),
    "getitem": (getitem,),
    "permute_dims": (permute_dims,),
    "reshape": (reshape,),
    "stop_gradient": (first,),
    "where": (without_broadcasts,),
    EVERY_ELEMENTWISE: (without_broadcasts,),
}
