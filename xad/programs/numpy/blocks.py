"""Groups of elementwise operations on large arrays, as a NumPy function of one block.

What is in the cache is used while it is there: a group runs over its arrays once, a block at a
time, in place of once for each operation. Sums and maxima of what it makes are taken along.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from xad.core.recording import Instruction, Variable
from xad.programs.groups import Group
from xad.programs.listing import Listing
from xad.programs.numpy.erf import block_erf
from xad.programs.numpy.lines import Lines
from xad.programs.numpy.memory import Arena, Place, aligned_memory, array_at
from xad.programs.numpy.rules import REDUCTIONS
from xad.programs.numpy.threads import MANY, run_blocks, worker_count
from xad.programs.numpy.whole import reducer
from xad.programs.plain import variable_name

__all__ = ["is_large", "is_reduction", "write_group"]

LARGE = 1 << 17
"""From this many elements on."""

CACHE = 1 << 21
"""Bytes that the temporary arrays of a block may take together."""
LEAST, MOST = 1 << 11, 1 << 15
ROUND = 16
"""Steps are multiples of it: then blocks begin where lines of the cache do."""


def is_large(listing: Listing, instruction: Instruction) -> bool:
    """Whether an elementwise operation has so many elements that it is to go by blocks."""
    shape = listing.kinds[instruction.outputs[0]].shape
    return bool(shape) and math.prod(shape) >= LARGE


def is_reduction(listing: Listing, instruction: Instruction) -> bool:
    """Whether it is a reduction that blocks can take along, in whatever order."""
    x = instruction.operands[0] if instruction.operands else None
    if instruction.primitive.name not in REDUCTIONS or type(x) is not Variable:
        return False
    if set(instruction.params) - {"axis", "keepdims"}:
        return False
    dtype = listing.kinds[x].dtype
    return dtype == listing.kinds[instruction.outputs[0]].dtype and dtype.kind in "fc"


class _Block:
    """The function of one block, as it is written."""

    def __init__(self, lines: Lines, group: Group, step: int) -> None:
        self.lines = lines
        self.kinds = lines.listing.kinds
        self.shape, self.axis = _ways(group)
        self.step = step
        self.body: list[str] = []
        self.arrays: dict[Variable, str] = {}
        self.arena = Arena()
        self.temporaries: list[str] = []
        self.inside: dict[Variable, str] = {}
        self._places: dict[Variable, Place] = {}

    def slice_text(self, name: str, shape: tuple[int, ...]) -> str | None:
        """The part of an array that belongs to the block; None if all of it does."""
        position = self.axis - (len(self.shape) - len(shape))
        if position < 0 or shape[position] != self.shape[self.axis]:
            return None
        return f"{name}[{':, ' * position}low:high]"

    def operand(self, instruction: Instruction, x: object) -> str:
        """An operand in the block."""
        if type(x) is not Variable:
            return self.lines.operand(instruction, x)
        if x not in self.inside:
            name = variable_name(x)
            part = self.slice_text(name, self.kinds[x].shape)
            self.arrays[x] = name
            if part is not None:
                self.body.append(f"part_{name} = {part}")
                name = f"part_{name}"
            self.inside[x] = name
        return self.inside[x]

    def result(self, v: Variable, name: str) -> str:
        """The part of a result of the group, ``name``, that this block writes."""
        part = self.slice_text(name, self.kinds[v].shape)
        self.arrays[v] = name
        self.body.append(f"part_{variable_name(v)} = {part}")
        self.inside[v] = f"part_{variable_name(v)}"
        return self.inside[v]

    def temporary(self, v: Variable, heirs: list[Variable]) -> str:
        """Memory for a value that only this block sees: an heir's, or its own."""
        dtype = self.kinds[v].dtype
        for x in heirs:
            if x in self._places and self.kinds[x].dtype == dtype:
                self._places[v] = self._places.pop(x)
                self.inside[v] = self.inside[x]
                return self.inside[v]
        self._places[v] = place = self.arena.take(self._part, dtype)
        self.inside[v] = self._at(place, dtype)
        return self.inside[v]

    @property
    def _part(self) -> tuple[int, ...]:
        return tuple([self.step if i == self.axis else n for i, n in enumerate(self.shape)])

    def _at(self, place: Place, dtype: Any) -> str:
        """The name of the temporary array of this type that lies there."""
        at = self.lines.names.of("array_at", array_at)
        where = f"{place.start}, {self._part!r}, {self.lines.dtype_text(dtype)}"
        self.temporaries.append(f"{at}(memory, {where})")
        return f"temporary_{len(self.temporaries) - 1}_"

    def error_function(self, x: str, out: str) -> None:
        """A line for it, with the memory that it works in."""
        function = self.lines.names.of("block_erf", block_erf)
        places = [self.arena.take(self._part, np.float64) for _ in range(3)]
        node, d, counted = places
        memory = ((node, np.float64), (node, np.int64), (d, np.float64), (counted, np.int64))
        scratch = ", ".join(self._at(place, dtype) for place, dtype in memory)
        self.body.append(f"{function}({x}, {out}, {scratch})")
        for place in places:
            self.arena.give_back(place)

    def forget(self, v: Variable) -> None:
        """Nobody in the block needs ``v`` any more."""
        found = self._places.pop(v, None)
        if found is not None:
            self.arena.give_back(found)


def _ways(group: Group) -> tuple[tuple[int, ...], int]:
    """The shape, and the axis along which blocks follow each other: the longest."""
    assert group.shape is not None
    shape = group.shape
    return shape, max(range(len(shape)), key=lambda i: shape[i])


def write_group(lines: Lines, group: Group) -> None:
    """The function of a block, and the line that runs it over all blocks."""
    shape, axis = _ways(group)
    row = math.prod(shape) // shape[axis]
    step = _even(max(1, _block_size(lines, group) // row), shape[axis], row)
    block = _Block(lines, group, step)
    last = _last_uses(group)
    results = _places_of_results(lines, group, last)
    for i, member in enumerate(group.instructions):
        rule = lines.rule(member)
        assert rule is not None
        (out,) = member.outputs
        texts = [block.operand(member, x) for x in member.operands]
        over = [x for x in dict.fromkeys(member.operands) if last.get(x) == i]
        if out in results:
            place = block.result(out, results[out])
        else:
            shares = () if _is_erf(lines, member) else rule.shares
            allowed = [
                x for x in over if all(j in shares for j, y in enumerate(member.operands) if y == x)
            ]
            place = block.temporary(out, allowed)
        if _is_erf(lines, member):
            block.error_function(texts[0], place)
        else:
            block.body += rule.write(texts, place)
        for x in over:
            block.forget(x)
    partial, after = _reductions(lines, group, block)
    _write(lines, group, block, partial, after)


def _is_erf(lines: Lines, member: Instruction) -> bool:
    x = member.operands[0]
    if member.primitive.name != "special.erf" or type(x) is not Variable:
        return False
    kind = lines.listing.kinds[x]
    return kind.dtype.char == "d" and kind == lines.listing.kinds[member.outputs[0]]


def _block_size(lines: Lines, group: Group) -> int:
    """Elements of a block: as many as the cache holds for all temporary arrays.

    More where threads take turns, so that they do so less often.
    """
    wide: int = max(lines.listing.kinds[m.outputs[0]].dtype.itemsize for m in group.instructions)
    live = min(len(group.instructions), 8)
    most = MOST if worker_count() > 1 else MOST // 2
    return max(LEAST, min(most, CACHE // (wide * max(live, 1))))


def _even(step: int, length: int, row: int) -> int:
    """The step that makes as many blocks for each thread, all but the last of one size."""
    threads = worker_count() if length * row >= MANY else 1
    blocks = -(-length // (step * threads)) * threads
    even = -(-length // blocks)
    return min(-(-even // ROUND) * ROUND if row == 1 else even, length)


def _last_uses(group: Group) -> dict[object, int]:
    """The member that uses each variable last; reductions come after all of them."""
    last: dict[object, int] = {}
    for i, member in enumerate(group.instructions):
        last.update(dict.fromkeys([*member.outputs, *member.operands], i))
    for reduction in group.endings:
        last[reduction.operands[0]] = len(group.instructions)
    return {x: i for x, i in last.items() if type(x) is Variable}


def _places_of_results(
    lines: Lines, group: Group, last: Mapping[object, int]
) -> dict[Variable, str]:
    """Memory for what others need of the group, by name."""
    results: dict[Variable, str] = {}
    for i, member in enumerate(group.instructions):
        (out,) = member.outputs
        if not lines.is_needed_outside(out):
            continue
        donor = None
        if lines.is_kept(out):
            donor = _donor(lines, group, i, last)
        if donor is None:
            results[out] = lines.place(out)
        else:
            results[out] = variable_name(donor)
            lines.run(f"{variable_name(out)} = {variable_name(donor)}")
    return results


def _donor(lines: Lines, group: Group, i: int, last: Mapping[object, int]) -> Variable | None:
    """A donated argument that nobody reads after this member has written over it."""
    member = group.instructions[i]
    every = Instruction(
        member.primitive,
        tuple(x for m in group.instructions for x in m.operands),
        {},
        member.outputs,
    )
    rule = lines.rule(member)
    shares = rule.shares if rule is not None else ()
    read_here = {x for j, x in enumerate(member.operands) if j not in shares}
    before = [
        j
        for j, x in enumerate(every.operands)
        if last.get(x, -1) < i or (last.get(x) == i and x not in read_here)
    ]
    return lines.donor(member.outputs[0], every, before)


def _reductions(lines: Lines, group: Group, block: _Block) -> tuple[list[str], list[str]]:
    """What a block returns for each reduction, and the lines that put these together."""
    partial: list[str] = []
    after: list[str] = []
    for reduction in group.endings:
        (x,), (out,) = reduction.operands, reduction.outputs
        ufunc = REDUCTIONS[reduction.primitive.name]
        reduce = reducer(lines, ufunc)
        axis, keep = reduction.params["axis"], bool(reduction.params.get("keepdims"))
        axes = tuple(range(len(block.shape))) if axis is None else axis
        axes = axes if type(axes) is tuple else (axes,)
        text = f"{reduce}({block.operand(reduction, x)}, {axes!r}, None"
        if block.axis in axes:
            place = lines.place(out)
            after.append(f"{reduce}([parts[{len(partial)}] for parts in done], 0, None, {place})")
            partial.append(f"{text}, None, {keep})")
        else:
            name = lines.place(out)
            gone = 0 if keep else sum(a < block.axis for a in axes)
            position = block.axis - gone
            block.arrays[out] = name
            block.body.append(f"{text}, {name}[{':, ' * position}low:high], {keep})")
    return partial, after


def _write(lines: Lines, group: Group, block: _Block, partial: list[str], after: list[str]) -> None:
    number = len([line for line in lines.in_make if line.startswith("def block_")])
    arrays = list(dict.fromkeys(block.arrays.values()))
    names = "".join(f"{name}, " for name in arrays)
    length = block.shape[block.axis]
    temporaries = [f"temporary_{i}_" for i in range(len(block.temporaries))]
    cut = f"[{':, ' * block.axis}:high - low]"
    lines.once(f"def block_{number}_(low, high, temporaries, arrays):")
    if names:
        lines.once(f"    {names}= arrays")
    if temporaries:
        lines.once(
            f"    {', '.join(temporaries)}, = temporaries",
            f"    if high - low != {block.step}:",
            *(f"        {t} = {t}{cut}" for t in temporaries),
        )
    lines.once(*(f"    {line}" for line in block.body))
    lines.once(f"    return ({''.join(f'{text}, ' for text in partial)})")
    memory = lines.names.of("aligned_memory", aligned_memory)
    lines.once(
        f"def temporaries_{number}_(memory):",
        f"    return ({''.join(f'{text}, ' for text in block.temporaries)})",
        f"temporaries_{number}_ = [temporaries_{number}_({memory}({block.arena.size})) "
        f"for _ in range({lines.names.of('worker_count', worker_count)}())]",
    )
    run = lines.names.of("run_blocks", run_blocks)
    size = math.prod(block.shape)
    call = (
        f"{run}(block_{number}_, {length}, {block.step}, {size}, temporaries_{number}_, ({names}))"
    )
    lines.run(f"done = {call}" if after else call, *after)
