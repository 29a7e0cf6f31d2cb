"""Which operations of a program may be one kernel: elementwise chains, and the sum that ends one.

An elementwise operation joins the group of an operand, or of one that reads the same array, if both
go over elements of one shape and the groups can still be put in order. A reduction joins the group
that makes its operand if nothing else that the group makes is needed elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush

from xad.core.recording import Instruction, Variable
from xad.programs.listing import Listing

__all__ = ["Group", "grouped"]

Judge = Callable[[Instruction], bool]


@dataclass(frozen=True)
class Group:
    """Operations to be carried out together, in their order.

    ``shape`` is what the elementwise ones go over, None for one operation on its own. ``inputs``
    come from elsewhere, ``outputs`` are needed elsewhere. ``ending`` reduces the last result.
    """

    instructions: tuple[Instruction, ...]
    inputs: tuple[Variable, ...]
    outputs: tuple[Variable, ...]
    shape: tuple[int, ...] | None = None
    ending: Instruction | None = None

    @property
    def fused(self) -> bool:
        """Whether it is to be one kernel."""
        return self.shape is not None


def grouped(
    listing: Listing,
    fuses: Judge,
    ends: Judge = lambda instruction: False,
    most: int = 24,
) -> list[Group]:
    """The program's operations in groups, in an order in which they can be carried out.

    ``fuses``: whether an operation gives each element from those elements of its operands, after
    broadcasting, in a way that the kernels can say. ``ends``: whether it is a reduction of its
    first operand that a kernel may end with. ``most``: how many arrays a kernel may name.
    """
    merging = _Merging(listing)
    for number, instruction in enumerate(listing.instructions):
        merging.add(number, instruction, fuses(instruction))
    uses = _Uses(listing)
    groups = [
        group
        for numbers, shape in merging.in_order()
        for group in _within(uses, numbers, shape, most)
    ]
    return _with_endings(listing, uses, groups, ends)


class _Uses:
    """Who needs which variable."""

    def __init__(self, listing: Listing) -> None:
        self.instructions = listing.instructions
        self.returned = {x for x in listing.outputs if type(x) is Variable}
        self.readers: dict[Variable, set[int]] = {}
        for number, instruction in enumerate(listing.instructions):
            for x in _operands(instruction):
                self.readers.setdefault(x, set()).add(number)

    def group(self, numbers: list[int], shape: tuple[int, ...] | None) -> Group:
        """These operations, with what goes in and what comes out."""
        members = tuple(self.instructions[n] for n in numbers)
        made = dict.fromkeys(v for member in members for v in member.outputs)
        read = dict.fromkeys(x for member in members for x in _operands(member))
        inside = set(numbers)
        needed = [v for v in made if v in self.returned or self.readers.get(v, set()) - inside]
        return Group(members, tuple(x for x in read if x not in made), tuple(needed), shape)


def _operands(instruction: Instruction) -> Iterator[Variable]:
    return (x for x in instruction.operands if type(x) is Variable)


class _Merging:
    """Groups as they grow. Sets of groups are integers, one bit for each."""

    def __init__(self, listing: Listing) -> None:
        self._kinds = listing.kinds
        self._members: list[list[int]] = []
        self._shapes: list[tuple[int, ...] | None] = []
        self._before: list[int] = []  # the groups whose results a group needs, by others' as well
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
        self._now.append(len(self._now))
        return len(self._now) - 1

    def _group(self, g: int) -> int:
        while self._now[g] != g:
            g = self._now[g]
        return g

    def _need(self, g: int, others: set[int]) -> None:
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
        left = {g: self._before[g] for g, members in enumerate(self._members) if members}
        waiting: dict[int, list[int]] = {}
        counts: dict[int, int] = {}
        for g, before in left.items():
            counts[g] = before.bit_count()
            while before:
                other = before.bit_length() - 1
                waiting.setdefault(other, []).append(g)
                before ^= 1 << other
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
    uses: _Uses, numbers: list[int], shape: tuple[int, ...] | None, most: int
) -> Iterator[Group]:
    """The group, in two where it names more arrays than a kernel may, and so on."""
    group = uses.group(numbers, shape)
    if shape is None or len(numbers) == 1 or len(group.inputs) + len(group.outputs) <= most:
        yield group
        return
    half = len(numbers) // 2
    yield from _within(uses, numbers[:half], shape, most)
    yield from _within(uses, numbers[half:], shape, most)


def _with_endings(listing: Listing, uses: _Uses, groups: list[Group], ends: Judge) -> list[Group]:
    """Let reductions end the groups that work for them alone."""
    makers = {
        group.outputs[0]: place
        for place, group in enumerate(groups)
        if group.fused and len(group.outputs) == 1
    }
    taken: set[int] = set()
    for place, group in enumerate(groups):
        ending = group.instructions[0]
        if group.fused or len(group.instructions) > 1 or not ends(ending):
            continue
        operand = ending.operands[0]
        maker = makers.get(operand)
        if maker is None or operand in uses.returned or len(uses.readers[operand]) > 1:
            continue
        if listing.kinds[operand].shape != groups[maker].shape:
            continue
        groups[place] = replace(groups[maker], ending=ending, outputs=ending.outputs)
        taken.add(maker)
    return [group for place, group in enumerate(groups) if place not in taken]
