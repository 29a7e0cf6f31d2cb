"""Products of the steps of a sequence as one product; they are rounded in another order.

The steps of a recurrent network share their weights. So x_t W for all t is X W, of which each step
takes its rows; and what goes back to the weights, the sum of x_t^T g_t, is X^T G.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

from xad.core.recording import Instruction, Variable
from xad.programs.listing import Kind, Listing
from xad.programs.passes.walk import Walk

__all__ = ["steps_in_one_product", "sums_in_one_product"]

LEAST = 3
"""Fewer steps are left as they are."""

Makers = dict[Variable, Instruction]


def _makers(listing: Listing) -> Makers:
    return {v: x for x in listing.instructions for v in x.outputs}


# ---- x_t W ---------------------------------------------------------------------------------------


class _Step(NamedTuple):
    """x[t] @ w, perhaps plus a bias; steps with one product are equal but for ``t``."""

    x: Variable
    name: str
    rest: tuple[Any, ...]
    t: int


def steps_in_one_product(listing: Listing) -> Listing:
    """The program with one product for all x[t] @ w of the same x and w, or itself."""
    makers = _makers(listing)
    steps: dict[Variable, _Step] = {}
    for instruction in listing.instructions:
        if instruction.primitive.name in ("matmul", "special.affine"):
            found = _step(listing, makers, instruction)
            if found is not None:
                steps[instruction.outputs[0]] = found
    counts = Counter(step[:3] for step in steps.values())
    enough = {
        same
        for same, count in counts.items()
        if count >= LEAST and 2 * count > listing.kinds[same[0]].shape[0]
    }
    if not enough:
        return listing
    walk = Walk(listing, {})
    for instruction in listing.instructions:
        step = steps.get(instruction.outputs[0])
        if step is None or step[:3] not in enough:
            walk.take(instruction)
        else:
            _take_rows(walk, step, instruction.outputs[0])
    return walk.result()


def _take_rows(walk: Walk, step: _Step, out: Variable) -> None:
    many, rows, inside = walk.kinds[step.x].shape
    kind = walk.kinds[out]
    flat = Kind((many * rows, inside), kind.dtype)
    flattened = walk.emit(flat, "reshape", walk.now(step.x), shape=flat.shape)
    everything = Kind((many * rows, kind.shape[1]), kind.dtype)
    rest = [walk.now(x) for x in step.rest]
    product = walk.emit(everything, step.name, flattened, *rest)
    key = (slice(step.t * rows, (step.t + 1) * rows, 1), slice(None))
    walk.put(out, walk.emit(kind, "getitem", product, key=key))


def _step(listing: Listing, makers: Makers, instruction: Instruction) -> _Step | None:
    """The product as a step of a sequence: of an array with three axes and one with two."""
    a, *rest = instruction.operands
    taken = makers.get(a)
    if taken is None or taken.primitive.name != "getitem" or len(listing.kinds[rest[0]].shape) != 2:
        return None
    (x,) = taken.operands
    key = taken.params["key"]
    if len(listing.kinds[x].shape) != 3 or type(key) is not tuple or type(key[0]) is not int:
        return None
    if listing.kinds[a].shape != listing.kinds[x].shape[1:]:
        return None
    if any(type(part) is not slice or part.step not in (None, 1) for part in key[1:]):
        return None
    if any(listing.kinds[v].dtype != listing.kinds[x].dtype for v in rest):
        return None
    t = key[0] % listing.kinds[x].shape[0]
    return _Step(x, instruction.primitive.name, tuple(rest), t)


# ---- the sum of x_t^T g_t ------------------------------------------------------------------------


def sums_in_one_product(listing: Listing) -> Listing:
    """The program with one product for each sum of products, or itself."""
    makers = _makers(listing)
    uses = Counter(x for i in listing.instructions for x in i.operands)
    uses.update(listing.outputs)
    inner: set[Variable] = set()
    sums: dict[Variable, list[Any]] = {}
    for instruction in reversed(listing.instructions):
        out = instruction.outputs[0]
        if instruction.primitive.name == "add" and out not in inner:
            terms = _terms(listing, makers, uses, inner, instruction)
            if terms is not None:
                sums[out] = terms
    if not sums:
        return listing
    walk = Walk(listing, {})
    for instruction in listing.instructions:
        out = instruction.outputs[0]
        if out in sums:
            walk.put(out, _summed(walk, makers, sums[out], walk.kinds[out]))
        elif out not in inner:
            walk.take(instruction)
    return walk.result()


def _terms(
    listing: Listing,
    makers: Makers,
    uses: Counter[Any],
    inner: set[Variable],
    root: Instruction,
) -> list[Any] | None:
    """What a tree of sums adds up, if enough of it are products; what these need is ``inner``."""
    kind = listing.kinds[root.outputs[0]]
    terms: list[Any] = []
    between: list[Variable] = []
    rest = list(root.operands)
    while rest:
        x = rest.pop()
        maker = makers.get(x) if type(x) is Variable else None
        if type(x) is Variable and listing.kinds[x] != kind:
            return None
        if maker is not None and maker.primitive.name == "add" and uses[x] == 1:
            between.append(x)
            rest += maker.operands
        else:
            terms.append(x)
    groups = _groups(listing, makers, uses, terms)
    if not any(len(group) >= LEAST for group in groups.values()):
        return None
    inner.update(between)
    return terms


def _groups(
    listing: Listing, makers: Makers, uses: Counter[Any], terms: Sequence[Any]
) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = {}
    for x in terms:
        maker = makers.get(x) if type(x) is Variable else None
        if maker is not None and uses[x] == 1 and _joins(listing, maker):
            groups.setdefault(maker.primitive.name, []).append(x)
    return groups


def _joins(listing: Listing, maker: Instruction) -> bool:
    kinds = [listing.kinds[x] for x in maker.operands if type(x) is Variable]
    kind = listing.kinds[maker.outputs[0]]
    if any(len(given.shape) != 2 or given.dtype != kind.dtype for given in kinds):
        return False
    if maker.primitive.name == "matmul":
        # Otherwise it takes longer to put the operands together than to add the products up.
        return prod(kind.shape) * 2 >= sum(prod(given.shape) for given in kinds)
    return (
        maker.primitive.name == "sum"
        and maker.params["axis"] in (0, (0,))
        and not maker.params.get("keepdims")
    )


def _summed(walk: Walk, makers: Makers, terms: Sequence[Any], kind: Kind) -> Any:
    groups = _groups(walk.listing, makers, walk.uses, terms)
    joint = {name: group for name, group in groups.items() if len(group) >= LEAST}
    alone = [x for x in terms if all(x not in group for group in joint.values())]
    parts = [walk.now(x) for x in alone]
    for name, group in joint.items():
        operands = [[walk.now(x) for x in makers[v].operands] for v in group]
        if name == "matmul":
            left = _side_by_side(walk, [a for a, _ in operands], 1)
            right = _side_by_side(walk, [b for _, b in operands], 0)
            parts.append(walk.emit(kind, "matmul", left, right))
        else:
            rows = _side_by_side(walk, [x for (x,) in operands], 0)
            parts.append(walk.emit(kind, "sum", rows, axis=(0,), keepdims=False))
    result = parts[0]
    for part in parts[1:]:
        result = walk.emit(kind, "add", result, part)
    return result


def _side_by_side(walk: Walk, arrays: Sequence[Variable], axis: int) -> Variable:
    """Matrices along an axis; transposed ones, which are views, along the other one."""
    before = [walk.maker(x, "permute_dims") for x in arrays]
    turned = [x.operands[0] for x in before if x is not None]
    if len(turned) == len(arrays):
        rows = _joined(walk, turned, 1 - axis)
        kind = walk.kinds[rows]
        kind = kind._replace(shape=kind.shape[::-1])
        return walk.emit(kind, "permute_dims", rows, axes=(1, 0))
    return _joined(walk, arrays, axis)


def _joined(walk: Walk, arrays: Sequence[Variable], axis: int) -> Variable:
    shape = list(walk.kinds[arrays[0]].shape)
    shape[axis] = sum(walk.kinds[x].shape[axis] for x in arrays)
    kind = Kind(tuple(shape), walk.kinds[arrays[0]].dtype)
    return walk.emit(kind, "concat", *arrays, axis=axis)
