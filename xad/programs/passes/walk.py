"""The walk that rewriting passes share: once through a program, from its inputs to its outputs.

Rules look at one operation and at the operations that made its operands, which have been rewritten
by then. So one walk takes linear time and does almost all that repeating the rules would do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple

from xad.backend.adapter import Adapter
from xad.core.primitive import Params, Primitive
from xad.core.recording import Instruction, Variable
from xad.ops.declare import primitives
from xad.programs.listing import Kind, Listing, dtype_name
from xad.programs.passes.repeated import identity_of

__all__ = [
    "EVERY",
    "EVERY_ELEMENTWISE",
    "Expression",
    "Rule",
    "Rules",
    "Walk",
    "broadcast_shape",
    "rewritten",
    "together",
]

EVERY, EVERY_ELEMENTWISE = "every", "elementwise"
"""Among the names of operations that rules are for: all, and all elementwise ones."""

MOST = 8
"""So many times one operation is rewritten at most: rules that undo each other come to an end."""


class Expression(NamedTuple):
    """An operation to be put in the place of another, with a result of the same kind."""

    name: str
    operands: tuple[Any, ...]
    params: Params = {}  # noqa: RUF012 - nobody writes into parameters


class Walk:
    """The new program as far as it is written."""

    def __init__(self, listing: Listing, rules: Rules) -> None:
        self.listing = listing
        self.adapter: Adapter | None = listing.adapter
        self.kinds: dict[Variable, Kind] = dict(listing.kinds)
        self.constants: dict[Variable, Any] = dict(listing.constants)
        self.makers: dict[Variable, Instruction] = {}
        self.instructions: list[Instruction] = []
        self.numbers: dict[Variable, Any] = {}
        self.changed = False
        #: How often the old program reads each variable.
        self.uses = Counter(x for i in listing.instructions for x in i.operands)
        self.uses.update(listing.outputs)
        self._rules = rules
        self._rules_of: dict[Primitive, Sequence[Rule]] = {}
        self._instead: dict[Any, Variable] = {}
        self._made: dict[Hashable, tuple[Variable, ...]] = {}
        self._next = 1 + max([v.number for v in self.kinds], default=-1)
        self._families: dict[Any, str] = {}

    # ---- what rules ask ----------------------------------------------------------------------

    def maker(self, x: Any, name: str) -> Instruction | None:
        """The operation that made ``x``, if it is one of this name."""
        found = self.makers.get(x) if type(x) is Variable else None
        return found if found is not None and found.primitive.name == name else None

    def is_real(self, x: Any) -> bool:
        """Whether ``x`` is an array of real floating-point numbers."""
        return type(x) is Variable and self._family(x) == "float"

    def is_complex(self, x: Any) -> bool:
        """Whether ``x`` is an array of complex numbers."""
        return type(x) is Variable and self._family(x) == "complex"

    def is_floating(self, x: Any) -> bool:
        """Whether ``x`` is an array of floating-point numbers, real or complex."""
        return self.is_real(x) or self.is_complex(x)

    def is_boolean(self, x: Any) -> bool:
        """Whether ``x`` is an array of truth values."""
        return type(x) is Variable and self._family(x) == "bool"

    def _family(self, x: Variable) -> str:
        dtype = self.kinds[x].dtype
        found = self._families.get(dtype)
        if found is None:
            name = dtype_name(dtype).rstrip("0123456789")
            found = self._families[dtype] = "float" if name == "bfloat" else name
        return found

    def fits(self, operands: Sequence[Any], kind: Kind) -> bool:
        """Whether an arithmetic operation on these gives an array of this kind."""
        arrays = [self.kinds[x] for x in operands if type(x) is Variable]
        if not arrays or any(given.dtype != kind.dtype for given in arrays):
            return False
        return broadcast_shape([given.shape for given in arrays]) == kind.shape

    # ---- what rules do -----------------------------------------------------------------------

    def emit(self, kind: Kind, name: str, *operands: Any, **params: Any) -> Variable:
        """The result of one more operation, which is of this kind."""
        out = self.new(kind)
        return self._take(Instruction(primitives[name], operands, params, (out,)))[0]

    def new(self, kind: Kind) -> Variable:
        """A new variable."""
        variable = Variable(self._next)
        self._next += 1
        self.kinds[variable] = kind
        return variable

    def now(self, x: Any) -> Any:
        """What stands in the new program for a variable of the old one; numbers for themselves."""
        return self._instead.get(x, x)

    def put(self, old: Variable, new: Variable) -> None:
        """From now on ``new`` stands for ``old``."""
        self._instead[old] = new
        self.changed = True

    # ---- the walk ----------------------------------------------------------------------------

    def take(self, instruction: Instruction) -> None:
        """The next operation of the old program."""
        instead = self._instead
        operands = instruction.operands
        if instead:
            operands = tuple([instead.get(x, x) for x in operands])
            instruction = instruction._replace(operands=operands)
        results = self._take(instruction)
        for old, new in zip(instruction.outputs, results, strict=True):
            if old is not new:
                instead[old] = new
                self.changed = True

    def _take(self, instruction: Instruction) -> tuple[Variable, ...]:
        """Rewrite an operation; the variables that hold its results."""
        found = instruction if instruction.several else self._rewritten(instruction)
        if type(found) is Variable:
            return (found,)
        # Complex products change in the last bit when the factors change places.
        identity = identity_of(found, commutes=not self.is_complex(found.outputs[0]))
        if identity is not None:
            made = self._made.setdefault(identity, found.outputs)
            if made is not found.outputs:
                return made
        self.changed = self.changed or found is not instruction
        for v in found.outputs:
            self.makers[v] = found
        self.instructions.append(found)
        return found.outputs

    def _rewritten(self, instruction: Instruction) -> Any:
        """The operation in its last form, or the variable that holds its result already."""
        kind = self.kinds[instruction.outputs[0]]
        for _ in range(MOST):
            found = self._first(instruction, kind)
            if found is None:
                break
            if type(found) is Variable:
                return found
            name, operands, params = found
            instruction = Instruction(primitives[name], operands, params, instruction.outputs)
        return instruction

    def _first(self, instruction: Instruction, kind: Kind) -> Any:
        """What the first rule that applies puts in the operation's place."""
        primitive = instruction.primitive
        for rule in self._rules_for(primitive):
            found = rule(self, instruction)
            if type(found) is Expression or (type(found) is Variable and self.kinds[found] == kind):
                return found
        return None

    def _rules_for(self, primitive: Primitive) -> Sequence[Rule]:
        found = self._rules_of.get(primitive)
        if found is None:
            names = [primitive.name, *[EVERY_ELEMENTWISE] * primitive.elementwise, EVERY]
            if primitives.get(primitive.name) is not primitive:
                names = []
            rules = [rule for name in names for rule in self._rules.get(name, ())]
            found = self._rules_of[primitive] = rules
        return found

    def result(self) -> Listing:
        """The new program."""
        if not self.changed:
            return self.listing
        return self.listing.with_instructions(
            self.instructions,
            outputs=[self._instead.get(x, x) for x in self.listing.outputs],
            constants=self.constants,
            kinds=self.kinds,
        )


Rule = Callable[[Walk, Instruction], Any]
"""Gives an `Expression`, the variable that holds the result already, or None if it does not apply.

A variable of another shape or data type is as None: rules need not ask.
"""

Rules = Mapping[str, Sequence[Rule]]
"""Rules by the name of the operation that they are for."""


def rewritten(listing: Listing, rules: Rules) -> Listing:
    """The program with each operation as the rules have it, and none twice."""
    walk = Walk(listing, rules)
    for instruction in listing.instructions:
        walk.take(instruction)
    return walk.result()


def together(*tables: Rules) -> Rules:
    """The rules of all tables; those of earlier tables go first."""
    names = dict.fromkeys(name for table in tables for name in table)
    return {name: tuple([r for table in tables for r in table.get(name, ())]) for name in names}


def broadcast_shape(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """What shapes that go together broadcast to."""
    first = shapes[0]
    if all(shape == first for shape in shapes):
        return first
    rank = max(map(len, shapes))
    full = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    return tuple([next((n for n in along if n != 1), 1) for along in zip(*full, strict=True)])
