"""Lines of NumPy source, and what is known of the memory behind each variable."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from xad.core.recording import Instruction, Variable
from xad.programs.groups import Group
from xad.programs.listing import Listing
from xad.programs.numpy.early import made_early
from xad.programs.numpy.memory import Arena, Place, array_at, recycled
from xad.programs.numpy.rules import Rule, element_rule, view_text
from xad.programs.numpy.whole_names import has_whole_rule
from xad.programs.plain import Names, literal, variable_name

__all__ = ["Lines"]

LARGE = 1 << 17
"""Bytes from which on new memory comes from the system, and goes back to it."""


class Lines:
    """Source as it is written, for ``make`` and for ``run``, and a plan of the memory.

    A variable's roots are the variables whose memory it may lie in. A variable is static if its
    array is made once, in ``make``: a place in the arena, a constant, or a view of one.
    """

    def __init__(self, listing: Listing, donated: frozenset[int]) -> None:
        self.listing = listing
        self.names = Names()
        self.arena = Arena()
        self.in_make: list[str] = []
        self.in_run: list[str] = []
        self.loose: set[Variable] = set()
        self._static: dict[Variable, Any] = dict(listing.constants)
        self._places: dict[Variable, Place] = {}
        self._roots: dict[Variable, frozenset[Variable]] = {}
        self._donors = {listing.inputs[i]: False for i in sorted(donated)}
        self._last: dict[Variable, int] = {}
        self._users: dict[Variable, set[int]] = {}
        self._kept: frozenset[Variable] = frozenset()
        self._early: dict[Variable, Variable] = {}
        self._number = 0
        self._numbers: dict[tuple[str, str], str] = {}
        self._rules = {
            id(i): element_rule(listing, i, self.names, self.number) for i in listing.instructions
        }

    # ---- the plan ----------------------------------------------------------------------------

    def plan(self, groups: Sequence[Group]) -> None:
        """Find out what lies in whose memory, and how long each is needed."""
        listing = self.listing
        for v in (*listing.inputs, *listing.constants):
            self._roots[v] = frozenset([v])
        for instruction in listing.instructions:
            below = [self._roots[x] for x in instruction.operands if type(x) is Variable]
            seen: frozenset[Variable] = frozenset().union(*below)
            text = view_text(instruction, "x", self.names) if below else None
            own = self.is_element(instruction) or has_whole_rule(listing, instruction)
            for v in instruction.outputs:
                self._roots[v] = seen if text is not None else frozenset([v]) if own else seen | {v}
        for number, group in enumerate(groups):
            for instruction in group.every:
                for x in (*instruction.operands, *instruction.outputs):
                    if type(x) is Variable:
                        self._last.update(dict.fromkeys(self._roots[x], number))
                for x in instruction.operands:
                    if type(x) is Variable:
                        self._users.setdefault(x, set()).add(number)
        outputs = [x for x in listing.outputs if type(x) is Variable]
        self._kept = frozenset().union(*[self._roots[x] for x in outputs])
        if not self._donors:
            self._plan_early(groups)

    def _plan_early(self, groups: Sequence[Group]) -> None:
        makers = {
            v: (number, instruction)
            for number, group in enumerate(groups)
            for instruction in group.every
            if len(group.every) == 1
            and (self.is_element(instruction) or has_whole_rule(self.listing, instruction))
            for v in instruction.outputs
        }
        large = [v for v in makers if v in self._kept and self._is_large(v)]
        self._early = made_early(large, makers, self._overwritable)

    def _overwritable(self, out: Variable, instruction: Instruction, number: int) -> list[Variable]:
        """The operands that nobody needs after this elementwise operation, of its own kind."""
        rule = self.rule(instruction)
        if rule is None:
            return []
        return [
            x
            for i in rule.shares
            if type(x := instruction.operands[i]) is Variable
            and x not in self._kept
            and self._last.get(x) == number  # a view has no memory of its own
            and self.listing.kinds[x] == self.listing.kinds[out]
            and self._only_at(x, instruction, rule.shares)
        ]

    def rule(self, instruction: Instruction) -> Rule | None:
        """The rule of an elementwise operation."""
        return self._rules[id(instruction)]

    def is_element(self, instruction: Instruction) -> bool:
        """Whether there is one."""
        return self._rules[id(instruction)] is not None

    def begin(self, number: int) -> None:
        """The group of this number is written next."""
        self._number = number

    def end(self) -> None:
        """What nobody needs after this group gives its place back."""
        gone = [v for v in self._places if self._last[v] <= self._number]
        for v in gone:
            self.arena.give_back(self._places.pop(v))

    def is_kept(self, v: Variable) -> bool:
        """Whether a result of the program lies in this memory."""
        return v in self._kept

    def is_needed_outside(self, v: Variable) -> bool:
        """Whether another group, or the caller, uses what this one makes."""
        return v in self._kept or bool(self._users.get(v, set()) - {self._number})

    # ---- writing -----------------------------------------------------------------------------

    def run(self, *lines: str) -> None:
        """Lines that run at every call."""
        self.in_run += lines

    def once(self, *lines: str) -> None:
        """Lines that run when the program is made."""
        self.in_make += lines

    def dtype(self, v: Variable) -> str:
        """The data type of a variable, in source."""
        return self.dtype_text(self.listing.kinds[v].dtype)

    def dtype_text(self, dtype: Any) -> str:
        """A data type in source."""
        return self.names.of(np.dtype(dtype).name, np.dtype(dtype).type)

    def empty(self, shape: tuple[int, ...], dtype: Any) -> str:
        """A new array, in source."""
        return f"{self.names.of('empty', np.empty)}({shape!r}, {self.dtype_text(dtype)})"

    def operands(self, instruction: Instruction) -> list[str]:
        """The operands of an elementwise operation, in source."""
        return [self.operand(instruction, x) for x in instruction.operands]

    def operand(self, instruction: Instruction, x: Any) -> str:
        """An operand in source. To NumPy a Python number takes longer than a small array does."""
        if type(x) is Variable:
            return variable_name(x)
        arrays = [y for y in instruction.operands if type(y) is Variable]
        if instruction.primitive.name == "where":
            arrays = [y for y in arrays if y != instruction.operands[0]]
        dtypes = {self.listing.kinds[y].dtype for y in arrays}
        if len(dtypes) != 1 or type(x) not in (float, int):
            return literal(self.names, x)
        (dtype,) = dtypes
        if dtype.kind != "f":
            return literal(self.names, x)
        return self.number(x, dtype)

    def number(self, value: float, dtype: Any) -> str:
        """A constant of a program, as an array without axes."""
        key = (repr(value), np.dtype(dtype).name)
        name = self._numbers.get(key)
        if name is None:
            name = self._numbers[key] = f"number_{len(self._numbers)}_"
            asarray = self.names.of("asarray", np.asarray)
            text = literal(self.names, value)
            self.once(f"{name} = {asarray}({text}, {self.dtype_text(dtype)})")
        return name

    def new(self, v: Variable) -> str:
        """New memory for a result that the caller gets, in source."""
        shape, dtype = self.listing.kinds[v]
        if not self._is_large(v):
            return self.empty(shape, dtype)
        name = f"new_{variable_name(v)}"
        make = self.names.of("recycled", recycled)
        self.once(f"{name} = {make}({shape!r}, {self.dtype_text(dtype)})")
        return f"{name}()"

    def _is_large(self, v: Variable) -> bool:
        shape, dtype = self.listing.kinds[v]
        return bool(math.prod(shape) * np.dtype(dtype).itemsize >= LARGE)

    def view(self, out: Variable, operand: Variable, text: str) -> None:
        """``out`` is a view of ``operand``: taken once if the operand is static."""
        line = f"{variable_name(out)} = {text}"
        below = self._static.get(operand)
        if below is None:
            self.run(line)
            return
        space = {**self.names.objects, variable_name(operand): below}
        shadow = eval(text, space)
        if np.may_share_memory(shadow, below) or not shadow.size:
            self.once(line)
            self._static[out] = shadow
        else:
            self.run(line)

    def element(self, instruction: Instruction, rule: Rule, texts: Sequence[str]) -> None:
        """An elementwise operation, if possible in the memory of an operand that is over."""
        (out,) = instruction.outputs
        name = variable_name(out)
        kind = self.listing.kinds[out]
        early = self._early_operand(out, instruction)
        if early is not None:
            self.run(*rule.write(texts, variable_name(early)), f"{name} = {variable_name(early)}")
            return
        if self.is_kept(out):
            donor = self.donor(out, instruction, rule.shares)
            if donor is not None:
                self.run(
                    *rule.write(texts, variable_name(donor)), f"{name} = {variable_name(donor)}"
                )
            elif rule.short is not None and kind.shape and not self._is_large(out):
                self.run(f"{name} = {rule.short(texts)}")
            else:
                self.run(f"{name} = {self.new(out)}", *rule.write(texts, name))
            return
        heir = None
        if out not in self._early:
            heir = self._dying_operand(out, instruction)
        if heir is None:
            self.run(*rule.write(texts, self.place(out)))
            return
        self.once(f"{name} = {variable_name(heir)}")
        self._places[out] = self._places.pop(heir)
        self._static[out] = self._static[heir]
        # By one name: a rule of several lines asks whether operand and result are the same.
        self.run(*rule.write(texts, variable_name(heir)))

    def _early_operand(self, out: Variable, instruction: Instruction) -> Variable | None:
        """The operand that lies in the memory of the result that ``out`` is, or is to become."""
        result = self._early.get(out, out)
        found = [x for x in instruction.operands if x in self._early and self._early[x] == result]
        return found[0] if found else None

    def _dying_operand(self, out: Variable, instruction: Instruction) -> Variable | None:
        if math.prod(self.listing.kinds[out].shape) == 1:
            return None  # NumPy is slow to write one number over itself
        over = self._overwritable(out, instruction, self._number)
        return next((x for x in over if x in self._places), None)

    def _only_at(self, x: Variable, instruction: Instruction, shares: Sequence[int]) -> bool:
        """Whether the instruction reads the memory of ``x`` as ``x``, at these places alone."""
        return all(
            type(y) is not Variable or x not in self._roots[y] or (y == x and i in shares)
            for i, y in enumerate(instruction.operands)
        )

    def place(self, v: Variable) -> str:
        """Memory for a result: static, or new at each call if the caller gets it."""
        name = variable_name(v)
        shape, dtype = self.listing.kinds[v]
        if self.is_kept(v) or v in self._early:
            self.run(f"{name} = {self.new(v)}")
        else:
            place = self._places[v] = self.arena.take(shape, dtype)
            self._once_at(name, place, shape, dtype)
            self._static[v] = np.empty(shape, dtype)
        return name

    def scratch(self, wish: str, shape: tuple[int, ...], dtype: Any) -> tuple[str, Place]:
        """Memory that this group alone needs; to be given back by `free`."""
        place = self.arena.take(shape, dtype)
        name = f"{wish}_{self._number}_"
        self._once_at(name, place, shape, dtype)
        return name, place

    def free(self, *places: Place) -> None:
        """Give scratch memory back."""
        for place in places:
            self.arena.give_back(place)

    def _once_at(self, name: str, place: Place, shape: tuple[int, ...], dtype: Any) -> None:
        at = self.names.of("array_at", array_at)
        self.once(f"{name} = {at}(memory, {place.start}, {shape!r}, {self.dtype_text(dtype)})")

    def is_static(self, v: Variable) -> bool:
        """Whether the array is made once."""
        return v in self._static

    # ---- donated arguments, results ----------------------------------------------------------

    def donor(
        self, out: Variable, instruction: Instruction, shares: Sequence[int], *, last: bool = True
    ) -> Variable | None:
        """A donated argument that the result can be written over, from now on taken.

        ``last``: whether the argument may still be read by this very instruction.
        """
        found = [
            d
            for d, taken in self._donors.items()
            if not taken
            and d not in self._kept
            and self.listing.kinds[d] == self.listing.kinds[out]
            and self._is_over(d, instruction, shares, last)
        ]
        found.sort(key=lambda d: d not in instruction.operands)
        if not found:
            return None
        self._donors[found[0]] = True
        return found[0]

    def _is_over(
        self, d: Variable, instruction: Instruction, shares: Sequence[int], last: bool
    ) -> bool:
        use = self._last.get(d, -1)
        if use < self._number:
            return True
        return last and use == self._number and self._only_at(d, instruction, shares)

    def taken_over(self) -> list[str]:
        """The line that makes sure that donated memory can be written into."""
        taken = [variable_name(d) for d, is_taken in self._donors.items() if is_taken]
        if not taken:
            return []
        left = ", ".join(taken) + ","
        others = "".join(f", {variable_name(v)}" for v in self.listing.constants)
        take = self.names.of("taken_over", _taken_over)
        every = f"[*arrays{others}]" if others else "arrays"
        return [f"{left} = {take}(({left}), {every})"]

    def result_text(self, x: Any) -> str:
        """A result in source: never the program's own constant, always an array."""
        if type(x) is not Variable:
            return literal(self.names, x)
        name = variable_name(x)
        if self._roots[x] & set(self.listing.constants):
            return f"{self.names.of('array', np.array)}({name})"
        if x in self.loose and not self.listing.kinds[x].shape:
            return f"{self.names.of('asarray', np.asarray)}({name})"
        return name


def _taken_over(donated: Sequence[Any], arrays: Sequence[Any]) -> list[Any]:
    """The donated arrays, copied where others among the arrays may lie in their memory."""
    alone = len({*map(id, arrays)}) == len(arrays)
    views = [x for x in arrays if x.base is not None]
    mine = []
    for x in donated:
        flags = x.flags
        own = flags.carray and flags.owndata
        if own and not alone:
            own = sum(x is y for y in arrays) == 1
        if own and views:
            own = not any(np.may_share_memory(x, view) for view in views)
        mine.append(x if own else np.array(x))
    return mine
