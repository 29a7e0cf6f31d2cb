"""Which operations go over their arrays together: elementwise chains, and the sums that end them.

An elementwise operation joins the group of an operand, or of one that reads the same array, if both
go over elements of one shape and the groups can still be put in order. A reduction joins the group
that makes its operand: as its only result where a group is one kernel, else along with the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from xad.core.recording import Instruction, Variable
from xad.programs.listing import Listing

__all__ = ["Group", "grouped"]

Judge = Callable[[Instruction], bool]
_Part = tuple[list[int], tuple[int, ...] | None]


@dataclass(frozen=True)
class Group:
    """Operations to be carried out together, in their order.

    ``shape`` is what the elementwise ones go over, None for one operation on its own. ``inputs``
    come from elsewhere, ``outputs`` are needed elsewhere. ``endings`` reduce what the others make.
    """

    instructions: tuple[Instruction, ...]
    inputs: tuple[Variable, ...]
    outputs: tuple[Variable, ...]
    shape: tuple[int, ...] | None = None
    endings: tuple[Instruction, ...] = ()

    @property
    def fused(self) -> bool:
        """Whether its operations go over elements of one shape."""
        return self.shape is not None

    @property
    def every(self) -> tuple[Instruction, ...]:
        """All operations, in an order in which they can be carried out."""
        return (*self.instructions, *self.endings)


def grouped(
    listing: Listing,
    fuses: Judge,
    ends: Judge = lambda instruction: False,
    *,
    most: int | None = None,
    alone: bool = False,
) -> list[Group]:
    """The program's operations in groups, in an order in which they can be carried out.

    ``fuses``: whether an operation gives each element from those elements of its operands, after
    broadcasting, in a way that the generator can say. ``ends``: whether it is a reduction of its
    first operand that a group may end with. ``most``: how many arrays a group may name. ``alone``:
    whether such a reduction must be all that the group is needed for.
    """
    merging = _Merging(listing)
    for number, instruction in enumerate(listing.instructions):
        merging.add(number, instruction, fuses(instruction))
    uses = _Uses(listing)
    parts = [
        (part, shape)
        for numbers, shape in merging.in_order()
        for part in _within(uses, numbers, shape, most)
    ]
    endings = _endings(uses, parts, ends, alone)
    ended = {number for numbers in endings.values() for number in numbers}
    return [
        uses.group(numbers, shape, endings.get(place, ()))
        for place, (numbers, shape) in enumerate(parts)
        if numbers[0] not in ended
    ]


class _Uses:
    """Who needs which variable."""

    def __init__(self, listing: Listing) -> None:
        self.instructions = listing.instructions
        self.returned = {x for x in listing.outputs if type(x) is Variable}
        self.readers: dict[Variable, set[int]] = {}
        for number, instruction in enumerate(listing.instructions):
            for x in _operands(instruction):
                self.readers.setdefault(x, set()).add(number)

    def group(
        self, numbers: list[int], shape: tuple[int, ...] | None, endings: Sequence[int] = ()
    ) -> Group:
        """These operations, with what goes in and what comes out."""
        members = tuple([self.instructions[n] for n in numbers])
        last = tuple([self.instructions[n] for n in endings])
        made = dict.fromkeys(v for member in (*members, *last) for v in member.outputs)
        read = dict.fromkeys(x for member in members for x in _operands(member))
        inside = {*numbers, *endings}
        needed = [v for v in made if v in self.returned or self.readers.get(v, set()) - inside]
        given = tuple([x for x in read if x not in made])
        return Group(members, given, tuple(needed), shape, last)


def _operands(instruction: Instruction) -> Iterator[Variable]:
    return (x for x in instruction.operands if type(x) is Variable)


class _Merging:
    """Groups as they grow. Sets of groups are integers, one bit for each."""

    def __init__(self, listing: Listing) -> None:
        self._kinds = listing.kinds
        self._members: list[list[int]] = []
        self._shapes: list[tuple[int, ...] | None] = []
        self._before: list[int] = []  # the groups whose results a group needs, by others' as well
        self._makers: list[set[int]] = []  # those that it needs itself, as they were then
        self._maker: dict[Variable, int] = {}
        self._readers: dict[Variable, list[int]] = {}
        self._now: list[int] = []  # where a group that was merged into another has gone

    def add(self, number: int, instruction: Instruction, fuses: bool) -> None:
        """Find the group of one more operation."""
        makers = {self._group(self._maker[x]) for x in _operands(instruction) if x in self._maker}
        shape = self._kinds[instruction.outputs[0]].shape if fuses else None
        chosen = self._new(shape)
        self._members[chosen].append(number)
        self._need(chosen, makers)
        if fuses:
            siblings = [
                self._group(g)
                for x in _operands(instruction)
                if self._kinds[x].shape == shape
                for g in self._readers.get(x, ())
            ]
            for other in dict.fromkeys([*sorted(makers, reverse=True), *siblings]):
                chosen = self._merge(self._group(other), self._group(chosen), shape)
        for v in instruction.outputs:
            self._maker[v] = chosen
        for x in _operands(instruction):
            self._readers.setdefault(x, []).append(chosen)

    def _new(self, shape: tuple[int, ...] | None) -> int:
        self._members.append([])
        self._shapes.append(shape)
        self._before.append(0)
        self._makers.append(set())
        self._now.append(len(self._now))
        return len(self._now) - 1

    def _group(self, g: int) -> int:
        while self._now[g] != g:
            g = self._now[g]
        return g

    def _need(self, g: int, others: set[int]) -> None:
        self._makers[g] |= others
        for other in others:
            self._before[g] |= 1 << other | self._before[other]

    def _merge(self, a: int, b: int, shape: tuple[int, ...] | None) -> int:
        """Merge ``b`` into ``a`` if nothing else lies between them; the group that ``b`` is now."""
        if a == b or self._shapes[a] != shape or self._between(a, b) or self._between(b, a):
            return b
        pair = 1 << a | 1 << b
        joint = (self._before[a] | self._before[b]) & ~pair
        self._before[a] = joint
        self._members[a] += self._members[b]
        self._members[b] = []
        self._makers[a] |= self._makers[b]
        self._now[b] = a
        for g, before in enumerate(self._before):
            if before & pair:
                self._before[g] = before & ~pair | 1 << a | joint
        self._before[b] = 0
        return a

    def _between(self, first: int, last: int) -> bool:
        """Whether the one needs a third group that needs the other."""
        bit = 1 << first
        rest = self._before[last] & ~bit
        while rest:
            g = rest.bit_length() - 1
            if self._before[g] & bit:
                return True
            rest ^= 1 << g
        return False

    def in_order(self) -> Iterator[tuple[list[int], tuple[int, ...] | None]]:
        """The groups so that each comes after those that it needs, otherwise as they began."""
        waiting: dict[int, list[int]] = {}
        counts: dict[int, int] = {}
        for g, members in enumerate(self._members):
            if members:
                needed = {self._group(other) for other in self._makers[g]} - {g}
                counts[g] = len(needed)
                for other in needed:
                    waiting.setdefault(other, []).append(g)
        ready = [(min(self._members[g]), g) for g, count in counts.items() if not count]
        heapify(ready)
        while ready:
            _, g = heappop(ready)
            yield sorted(self._members[g]), self._shapes[g]
            for other in waiting.get(g, ()):
                counts[other] -= 1
                if not counts[other]:
                    heappush(ready, (min(self._members[other]), other))


def _within(
    uses: _Uses, numbers: list[int], shape: tuple[int, ...] | None, most: int | None
) -> Iterator[list[int]]:
    """The operations of a group, in two where it names more arrays than it may, and so on."""
    group = uses.group(numbers, shape)
    named = len(group.inputs) + len(group.outputs)
    if most is None or shape is None or len(numbers) == 1 or named <= most:
        yield numbers
        return
    half = len(numbers) // 2
    yield from _within(uses, numbers[:half], shape, most)
    yield from _within(uses, numbers[half:], shape, most)


def _endings(uses: _Uses, parts: Sequence[_Part], ends: Judge, alone: bool) -> dict[int, list[int]]:
    """The reductions that join a group, by the group's place."""
    made_in = {
        v: place
        for place, (numbers, shape) in enumerate(parts)
        if shape is not None
        for n in numbers
        for v in uses.instructions[n].outputs
    }
    endings: dict[int, list[int]] = {}
    for (number, *_), shape in parts:
        ending = uses.instructions[number]
        if shape is not None or not ends(ending):
            continue
        maker = made_in.get(ending.operands[0])
        if maker is None or (alone and maker in endings):
            continue
        if not alone or uses.group(*parts[maker], [number]).outputs == ending.outputs:
            endings.setdefault(maker, []).append(number)
    return endings
