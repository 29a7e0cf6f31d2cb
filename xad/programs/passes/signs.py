"""Leave out changes of sign that end in a sum: a + -b is a - b, through products and views too.

Signs change no other bit of a product or a quotient, so -b * c is -(b * c). Whether a sign can go
all the way to where it is absorbed is found out from the end; then it is left out from the start.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xad.core.recording import Instruction, Variable
from xad.programs.listing import Listing
from xad.programs.passes.needed import only_needed
from xad.programs.passes.walk import Walk

__all__ = ["signs_absorbed"]

PASS_ON = frozenset(["broadcast_to", "getitem", "permute_dims", "reshape"])
BLIND = frozenset(["abs", "negative", "square"])


def signs_absorbed(listing: Listing) -> Listing:
    """The program with fewer negatives, or itself."""
    negatives = {x.outputs[0] for x in listing.instructions if x.primitive.name == "negative"}
    absorbing = _absorbing(listing) if negatives else set()
    if absorbing.isdisjoint(negatives):
        return listing
    signs = _Signs(listing, absorbing)
    for instruction in listing.instructions:
        signs.take(instruction)
    fewer = only_needed(signs.walk.result())
    return fewer if len(fewer) < len(listing) else listing


def _absorbing(listing: Listing) -> set[Variable]:
    """The variables of which every use can do with the negative."""
    refused = {x for x in listing.outputs if type(x) is Variable}
    absorbing: set[Variable] = set()
    for instruction in reversed(listing.instructions):
        name, operands = instruction.primitive.name, instruction.operands
        free = instruction.outputs[0] not in refused
        absorbing.update(instruction.outputs if free else ())
        for i, x in enumerate(operands):
            if name == "add" or name in BLIND:
                accepts = True
            elif name in ("multiply", "divide"):
                accepts = free or any(type(y) is not Variable for y in operands)
                accepts = accepts or operands[0] == operands[1]
            elif name == "subtract":
                accepts = i == 1
            else:
                accepts = free and name in PASS_ON
            if not accepts and type(x) is Variable:
                refused.add(x)
    return absorbing


class _Signs:
    """The walk; ``negated`` are the values of which only the negative has been computed."""

    def __init__(self, listing: Listing, absorbing: set[Variable]) -> None:
        self.walk = Walk(listing, {})
        self.negated: dict[Any, Variable] = {}
        self._absorbing = absorbing

    def take(self, instruction: Instruction) -> None:
        """The next operation."""
        operands = instruction.operands
        rule = _RULES.get(instruction.primitive.name)
        signs = [x in self.negated for x in operands]
        out = instruction.outputs[0]
        if rule is None or not (any(signs) or rule is _negative) or not self.walk.is_real(out):
            self._as_it_is(instruction)
            return
        bare = [self.walk.now(self.negated.get(x, x)) for x in operands]
        found = rule(self, instruction, bare, signs, out in self._absorbing)
        if found is None:
            self._as_it_is(instruction)
        else:
            name, places, is_negative = found
            value = places[0]
            if name:
                kind = self.walk.kinds[out]
                value = self.walk.emit(kind, name, *places, **instruction.params)
            if is_negative:
                self.negated[out] = value
            self.walk.put(out, value)

    def _as_it_is(self, instruction: Instruction) -> None:
        for x in instruction.operands:
            self.plain(x)
        self.walk.take(instruction)

    def plain(self, x: Any) -> Any:
        """The value itself, computed from its negative if nothing else is there."""
        base = self.negated.pop(x, None)
        if base is not None:
            self.walk.put(x, self.walk.emit(self.walk.kinds[x], "negative", base))
        return self.walk.now(x)


Found = tuple[str, list[Any], bool] | None
"""The operation ("" for none), its operands, and whether it gives the negative of the result."""


def _negative(
    signs: _Signs, instruction: Instruction, bare: list[Any], negative: list[bool], free: bool
) -> Found:
    if negative[0]:
        return "", bare, False
    return ("", bare, True) if free else None


def _add(
    signs: _Signs, instruction: Instruction, bare: list[Any], negative: list[bool], free: bool
) -> Found:
    a, b = bare
    if not all(negative):
        return ("subtract", [b, a], False) if negative[0] else ("subtract", [a, b], False)
    # Not the negative of a + b: where that is 0, the signs would differ.
    if instruction.operands[0] == instruction.operands[1]:
        return None
    return "subtract", [signs.plain(instruction.operands[0]), b], False


def _subtract(
    signs: _Signs, instruction: Instruction, bare: list[Any], negative: list[bool], free: bool
) -> Found:
    a, b = bare
    if all(negative):
        return "subtract", [b, a], False
    return ("add", [a, b], False) if negative[1] else None


def _product(
    signs: _Signs, instruction: Instruction, bare: list[Any], negative: list[bool], free: bool
) -> Found:
    name = instruction.primitive.name
    if all(negative):
        return name, bare, False
    for i, x in enumerate(bare):
        if type(x) in (int, float):
            bare[i] = -float(x)
            return name, bare, False
    return (name, bare, True) if free else None


def _passed_on(
    signs: _Signs, instruction: Instruction, bare: list[Any], negative: list[bool], free: bool
) -> Found:
    return (instruction.primitive.name, bare, True) if free else None


def _blind(
    signs: _Signs, instruction: Instruction, bare: list[Any], negative: list[bool], free: bool
) -> Found:
    return instruction.primitive.name, bare, False


_RULES: dict[str, Callable[..., Found]] = {
    "abs": _blind,
    "add": _add,
    "divide": _product,
    "multiply": _product,
    "negative": _negative,
    "square": _blind,
    "subtract": _subtract,
    **dict.fromkeys(PASS_ON, _passed_on),
}
