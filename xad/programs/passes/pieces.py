"""Put pieces that fill an array side by side, where they are added up in arrays full of zeros.

That is what the gradient of taking an array apart looks like: of a cell's gates, of the steps of a
sequence.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from xad.core.recording import Instruction, Variable
from xad.programs.listing import Kind, Listing
from xad.programs.passes.walk import Walk

__all__ = ["pieces_joined"]


class _Joint(NamedTuple):
    """Pieces in order along an axis; ``stacked`` if each is one element of it."""

    pieces: tuple[Any, ...]
    axis: int
    stacked: bool


def pieces_joined(listing: Listing) -> Listing:
    """The program with sums of disjoint pieces as one operation, or itself."""
    makers = {v: x for x in listing.instructions for v in x.outputs}
    if sum(x.primitive.name == "place" for x in listing.instructions) < 2:
        return listing
    uses = Counter(x for i in listing.instructions for x in i.operands if type(x) is Variable)
    uses.update(x for x in listing.outputs if type(x) is Variable)
    joints: dict[Variable, _Joint] = {}
    inner: set[Variable] = set()
    for instruction in reversed(listing.instructions):
        out = instruction.outputs[0]
        if instruction.primitive.name != "add" or out in inner:
            continue
        leaves = _leaves(instruction, makers, uses, inner)
        found = None if leaves is None else _joint(leaves, listing.kinds[out])
        if found is not None:
            joints[out] = found
    return _with_joints(listing, joints) if joints else listing


def _leaves(
    root: Instruction,
    makers: dict[Variable, Instruction],
    uses: Counter[Variable],
    inner: set[Variable],
) -> list[Instruction] | None:
    """The places that a tree of sums adds up; None if it adds anything else."""
    leaves: list[Instruction] | None = []
    rest = list(root.operands)
    while rest:
        x = rest.pop()
        maker = makers.get(x) if type(x) is Variable else None
        name = "" if maker is None or uses[x] > 1 else maker.primitive.name
        if maker is not None and name == "add":
            inner.add(x)
            rest += maker.operands
        elif maker is not None and name == "place" and leaves is not None:
            leaves.append(maker)
        else:
            leaves = None
    return leaves


def _joint(leaves: list[Instruction], kind: Kind) -> _Joint | None:
    """The pieces in order, if they fill the array along one axis and none overlaps another."""
    where: dict[tuple[int, int], Any] = {}
    axes = set()
    for leaf in leaves:
        found = _stretch(leaf.params["key"], kind.shape)
        if found is None or leaf.params["shape"] != kind.shape:
            return None
        axis, start, stop, single = found
        axes.add((axis, single))
        where[start, stop] = leaf.operands[0]
    order = sorted(where)
    ends = [0, *[stop for _, stop in order]]
    if len(axes) != 1 or len(order) != len(leaves) or [start for start, _ in order] != ends[:-1]:
        return None
    ((axis, single),) = axes
    if ends[-1] != kind.shape[axis]:
        return None
    return _Joint(tuple([where[part] for part in order]), axis, single)


def _stretch(key: Any, shape: tuple[int, ...]) -> tuple[int, int, int, bool] | None:
    """The axis of which a key takes a stretch, from where to where, and whether it drops it."""
    if type(key) is not tuple or len(key) > len(shape):
        return None
    found = None
    for axis, (part, n) in enumerate(zip(key, shape, strict=False)):
        if type(part) is slice:
            start, stop, step = part.indices(n)
            if (start, stop, step) == (0, n, 1):
                continue
            single = False
        elif type(part) is int:
            start, step, single = part % n, 1, True
            stop = start + 1
        else:
            return None
        if found is not None or step != 1 or stop <= start:
            return None
        found = (axis, start, stop, single)
    return found


def _with_joints(listing: Listing, joints: dict[Variable, _Joint]) -> Listing:
    walk = Walk(listing, {})
    for instruction in listing.instructions:
        out = instruction.outputs[0]
        found = joints.get(out)
        if found is None:
            walk.take(instruction)
            continue
        kind = walk.kinds[out]
        pieces = [walk.now(x) for x in found.pieces]
        joined = walk.emit(kind, "stack" if found.stacked else "concat", *pieces, axis=found.axis)
        # A piece's -0.0 became 0.0 when the zeros of the others were added.
        walk.put(out, walk.emit(kind, "add", joined, 0) if walk.is_floating(out) else joined)
    return walk.result()
