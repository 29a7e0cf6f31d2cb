"""Put elementwise operations on large arrays together: what is in the cache is used while there.

A group runs over its arrays once, a block at a time, in place of once for each operation. Sums and
maxima of what a group makes are taken along.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from xad.core.recording import Instruction, Variable
from xad.programs.listing import Listing

__all__ = ["REDUCTIONS", "Group", "Single", "Unit", "units_of"]

LARGE = 1 << 17
"""From this many elements on."""

REDUCTIONS = {"sum": "add", "max": "maximum", "min": "minimum"}


@dataclass
class Single:
    """One operation by itself."""

    instruction: Instruction

    def instructions(self) -> list[Instruction]:
        """What it carries out."""
        return [self.instruction]


@dataclass
class Group:
    """Elementwise operations whose results have one shape, in order, and reductions of them."""

    shape: tuple[int, ...]
    members: list[Instruction] = field(default_factory=list)
    reductions: list[Instruction] = field(default_factory=list)

    def instructions(self) -> list[Instruction]:
        """What it carries out."""
        return [*self.members, *self.reductions]

    @property
    def axis(self) -> int:
        """The axis along which blocks follow each other: the longest."""
        return max(range(len(self.shape)), key=lambda i: self.shape[i])


Unit = Single | Group


def units_of(listing: Listing, is_element: Iterable[bool]) -> list[Unit]:
    """The program as single operations and groups, in an order that can be carried out.

    An operation joins the latest group of its shape that comes after all that it needs.
    """
    units: list[Unit] = []
    made_in: dict[Variable, int] = {}
    reduced: set[Variable] = set()
    for instruction, element in zip(listing.instructions, is_element, strict=True):
        named = [x for x in instruction.operands if type(x) is Variable]
        shape = listing.kinds[instruction.outputs[0]].shape
        earliest = max((made_in.get(x, -1) + (x in reduced) for x in named), default=-1)
        place = None
        if element and shape and math.prod(shape) >= LARGE:
            place = _latest(units, earliest, shape)
            if place is None:
                units.append(Group(shape))
                place = len(units) - 1
            unit = units[place]
            assert isinstance(unit, Group)
            unit.members.append(instruction)
        elif _is_reduction(listing, instruction):
            place = made_in.get(named[0])
            maker = None if place is None else units[place]
            if isinstance(maker, Group) and named[0] not in reduced:
                maker.reductions.append(instruction)
                reduced.update(instruction.outputs)
            else:
                place = None
        if place is None:
            units.append(Single(instruction))
            place = len(units) - 1
        made_in.update(dict.fromkeys(instruction.outputs, place))
    return [_alone(unit) for unit in units]


def _latest(units: list[Unit], earliest: int, shape: tuple[int, ...]) -> int | None:
    for i in range(len(units) - 1, max(earliest, 0) - 1, -1):
        unit = units[i]
        if isinstance(unit, Group) and unit.shape == shape:
            return i
    return None


def _is_reduction(listing: Listing, instruction: Instruction) -> bool:
    x = instruction.operands[0] if instruction.operands else None
    if instruction.primitive.name not in REDUCTIONS or type(x) is not Variable:
        return False
    if set(instruction.params) - {"axis", "keepdims"}:
        return False
    kind = listing.kinds[x]
    same = kind.dtype == listing.kinds[instruction.outputs[0]].dtype
    return same and kind.dtype.kind in "fc" and math.prod(kind.shape) > 0


def _alone(unit: Unit) -> Unit:
    if isinstance(unit, Group) and len(unit.members) == 1 and not unit.reductions:
        return Single(unit.members[0])
    return unit
