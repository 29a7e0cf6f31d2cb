"""Compute what is computed twice once: what two operations have in common if they are the same."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from xad.core.recording import Instruction, Variable
from xad.ops.declare import primitives

__all__ = ["identity_of"]

COMMUTE = frozenset(
    {
        "add",
        "bitwise_and",
        "bitwise_or",
        "bitwise_xor",
        "equal",
        "logical_and",
        "logical_or",
        "logical_xor",
        "multiply",
        "not_equal",
    }
)
"""Where the order of two operands changes no bit. For maximum(0.0, -0.0) it does."""


def identity_of(instruction: Instruction, *, commutes: bool = True) -> Hashable:
    """What is equal for operations that give the same; None for those that may not.

    A primitive that is not registered, such as a user's function with a rule of its own, may do
    anything.
    """
    primitive = instruction.primitive
    name = primitive.name
    if primitives.get(name) is not primitive:
        return None
    operands = [
        (x.number, None) if type(x) is Variable else _value(x) for x in instruction.operands
    ]
    if name in COMMUTE and commutes:
        operands.sort(key=repr)
    params = [(key, _value(x)) for key, x in instruction.params.items()]
    return (name, *operands, *params)


def _value(x: Any) -> tuple[Any, Any]:
    """A number or a parameter as something hashable. 1, 1.0, True, 0.0 and -0.0 are five things."""
    kind = type(x)
    if kind is tuple:
        return (kind, tuple([_value(part) for part in x]))
    if kind is slice:
        return (kind, (_value(x.start), _value(x.stop), _value(x.step)))
    if kind in (int, bool, str) or x is None:
        return (kind, x)
    if kind in (float, complex):
        return (kind, repr(x))
    return (kind, id(x))
