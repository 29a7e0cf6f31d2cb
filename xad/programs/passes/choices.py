"""Comparisons, masks, and the choice between values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xad.core.recording import Instruction, Variable
from xad.programs.passes.walk import Expression, Rule, Rules, Walk

__all__ = ["CHOICES"]

TURNED = {
    "equal": "equal",
    "not_equal": "not_equal",
    "less": "greater",
    "less_equal": "greater_equal",
    "greater": "less",
    "greater_equal": "less_equal",
}
"""Each comparison, and the one that says the same of its operands in the other order."""


def number_last(name: str) -> Rule:
    """c < x as x > c, so that equal comparisons look equal."""

    def turn(walk: Walk, instruction: Instruction) -> Any:
        a, b = instruction.operands
        if type(a) is Variable or type(b) is not Variable:
            return None
        return Expression(name, (b, a))

    return turn


def where(walk: Walk, instruction: Instruction) -> Any:
    """The same either way: that. Of what is not: the other way round. Of x = 0: x + 0."""
    condition, yes, no = instruction.operands
    if type(yes) is Variable and yes == no:
        return yes
    opposite = walk.maker(condition, "logical_not")
    if opposite is not None and walk.is_boolean(opposite.operands[0]):
        return Expression("where", (opposite.operands[0], no, yes))
    asked = walk.maker(condition, "equal")
    if asked is not None and asked.operands == (no, 0) and walk.is_real(no) and _is_zero(yes):
        # x is 0.0 or -0.0 there; and adding 0.0 changes nothing but -0.0.
        kind = walk.kinds[instruction.outputs[0]]
        return Expression("add", (no, 0)) if walk.kinds[no] == kind else None
    return None


def _is_zero(x: Any) -> bool:
    return type(x) in (int, float) and repr(x) in ("0", "0.0")


def logical_not(walk: Walk, instruction: Instruction) -> Any:
    """Not not x = x."""
    before = walk.maker(instruction.operands[0], "logical_not")
    return None if before is None else before.operands[0]


def shared_by_largest(walk: Walk, instruction: Instruction) -> Any:
    """The largest elements' shares: is / where(m = m, sum(is), m) = is / sum(is), for m = max(x).

    Where m is nan nothing equals it, and 0 / 0 is nan as well.
    """
    equal, count = instruction.operands
    chosen = walk.maker(count, "where") if type(count) is Variable else None
    if chosen is None:
        return None
    known, total, largest = chosen.operands
    test, added = walk.maker(known, "equal"), walk.maker(total, "sum")
    cast = walk.maker(equal, "astype")
    if test is None or added is None or cast is None:
        return None
    matches = walk.maker(cast.operands[0], "equal")
    if test.operands != (largest, largest) or added.operands != (equal,) or matches is None:
        return None
    found = walk.maker(largest, "max") or walk.maker(largest, "min")
    if found is None or set(matches.operands) != {found.operands[0], largest}:
        return None
    if not (found.params.get("keepdims") and added.params.get("keepdims")):
        return None
    if found.params["axis"] != added.params["axis"] or not walk.is_real(largest):
        return None
    return Expression("divide", (equal, total))


Applies = Callable[[Walk, Instruction], Any]

CHOICES: Rules = {
    **{name: (number_last(turned),) for name, turned in TURNED.items()},
    "divide": (shared_by_largest,),
    "logical_not": (logical_not,),
    "where": (where,),
}
