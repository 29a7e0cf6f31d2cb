"""Results in memory of their own: what users write into one shows in no other, and in no input.

Passes put one variable in the place of another freely. That ends where the values leave: results
that were arrays of their own before the passes are so after them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from xad.core.recording import Instruction, Variable
from xad.ops.declare import primitives
from xad.programs.listing import Kind, Listing

__all__ = ["constants_apart", "kept_apart"]

VIEWS = frozenset(
    {
        "again",
        "broadcast_to",
        "conj",
        "flip",
        "getitem",
        "imag",
        "linalg.diagonal",
        "permute_dims",
        "real",
        "reshape",
        "stop_gradient",
        "to_device",
        "unstack",
    }
)
"""Operations whose result may lie in the memory of their operand."""


MAY_COPY = frozenset({"conj", "reshape"})
"""Those that lie there sometimes: taken for arrays of their own where users may rely on it."""


class _Memory(NamedTuple):
    """The variable whose memory a value lies in; and whether elements of it stand for several."""

    owner: Variable
    repeats: bool


def kept_apart(before: Listing, after: Listing) -> Listing:
    """``after`` with copies for results that were apart ``before`` and no longer are."""
    old, new = _memories(before, MAY_COPY), _memories(after)
    given = {*before.inputs, *before.constants, *after.constants}
    taken: dict[Variable, Variable] = {}
    copies: list[Instruction] = []
    kinds = dict(after.kinds)
    outputs = list(after.outputs)
    for i, (x, y) in enumerate(zip(before.outputs, after.outputs, strict=True)):
        if type(y) is not Variable:
            continue
        was, now = old[x], new[y]
        apart = now.owner in given and was.owner not in given
        repeats = now.repeats and not was.repeats
        if apart or repeats or taken.setdefault(now.owner, was.owner) != was.owner:
            outputs[i] = _copy(y, kinds, copies)
    if not copies:
        return after
    return after.with_instructions([*after.instructions, *copies], outputs=outputs, kinds=kinds)


def constants_apart(listing: Listing) -> Listing:
    """The program with copies for results that lie in the memory of its constants."""
    found = _memories(listing)
    kinds = dict(listing.kinds)
    copies: list[Instruction] = []
    outputs = list(listing.outputs)
    for i, x in enumerate(outputs):
        if type(x) is Variable and found[x].owner in listing.constants:
            outputs[i] = _copy(x, kinds, copies)
    if not copies:
        return listing
    return listing.with_instructions([*listing.instructions, *copies], outputs=outputs, kinds=kinds)


def _copy(x: Variable, kinds: dict[Variable, Kind], copies: list[Instruction]) -> Variable:
    """A new variable for a copy; the instruction goes to the others."""
    copy = Variable(1 + max(v.number for v in kinds))
    kinds[copy] = kinds[x]
    copies.append(Instruction(primitives["copy"], (x,), {}, (copy,)))
    return copy


def _memories(listing: Listing, own: frozenset[str] = frozenset()) -> Mapping[Variable, _Memory]:
    """Where values lie; results of operations in ``own``, and single elements, by themselves."""
    found = {v: _Memory(v, False) for v in (*listing.inputs, *listing.constants)}
    for instruction in listing.instructions:
        name = instruction.primitive.name
        below = instruction.operands[0] if name in VIEWS else None
        if name in own and below is not None:
            kinds = listing.kinds
            same = name == "reshape" and kinds[below].shape == kinds[instruction.outputs[0]].shape
            below = below if same else None
        for v in instruction.outputs:
            is_element = bool(own) and name == "getitem" and not listing.kinds[v].shape
            if type(below) is Variable and not is_element:
                owner, repeats = found[below]
                found[v] = _Memory(owner, repeats or name == "broadcast_to")
            else:
                found[v] = _Memory(v, False)
    return found
