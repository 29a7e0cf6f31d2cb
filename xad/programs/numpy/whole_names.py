"""Which operations on whole arrays NumPy computes into memory that is there already."""

from __future__ import annotations

import math

from xad.core.recording import Instruction, Variable
from xad.programs.listing import Kind, Listing
from xad.programs.numpy.rules import REDUCTIONS

__all__ = ["has_whole_rule"]


def has_whole_rule(listing: Listing, instruction: Instruction) -> bool:
    """Whether `whole_rule` knows what to write."""
    name = instruction.primitive.name
    operands = instruction.operands
    if not all(type(x) is Variable for x in operands):
        return False
    kinds = [listing.kinds[x] for x in operands]
    out = listing.kinds[instruction.outputs[0]]
    if any(math.prod(kind.shape) == 0 for kind in (*kinds, out)):
        return False
    if name in ("matmul", "special.affine", "concat", "stack"):
        return all(kind.dtype == out.dtype for kind in kinds)
    if name == "special.softmax_cross_entropy":
        return _is_usual_loss(kinds, instruction)
    if name == "mean":
        # NumPy takes means of half precision in single precision.
        return kinds[0].dtype == out.dtype and out.dtype.char in "fdFD"
    if name in REDUCTIONS:
        # NumPy sums small integers in large ones, and booleans in integers.
        return kinds[0].dtype == out.dtype and kinds[0].dtype.kind in "fc"
    return False


def _is_usual_loss(kinds: list[Kind], instruction: Instruction) -> bool:
    logits, labels = kinds
    return (
        len(logits.shape) == 2
        and labels.dtype.kind in "iu"
        and labels.dtype.itemsize == 8
        and instruction.params["over"] == (0,)
    )
