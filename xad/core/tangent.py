"""Forward mode: an array that carries its rate of change along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xad.backend.registry import adapter_of
from xad.core.batching import settled
from xad.core.boxing import lift
from xad.core.conform import as_array, expand_to
from xad.core.primitive import Params, Primitive
from xad.core.wrapper import Wrapper, innermost


class Forward(Wrapper):
    """``value + epsilon * tangent``, with epsilon squared = 0 and an epsilon per level."""

    __slots__ = ()
    parts = ("level", "value", "tangent")
    tangent: Any

    def __init__(self, value: Any, tangent: Any, level: int) -> None:
        self.value = value
        self.tangent = tangent
        self.level = level

    @staticmethod
    def apply(primitive: Primitive, level: int, operands: Sequence[Any], params: Params) -> Any:
        """Compute one level down, and push the tangents through the operation's forward rule."""
        values = []
        tangents = []
        top: Any = None
        for operand in operands:
            if isinstance(operand, Forward) and operand.level == level:
                top = operand
                values.append(operand.value)
                tangents.append(operand.tangent)
            else:
                values.append(settled(operand))
                tangents.append(None)
        out = primitive.bind(*values, **params)
        if not primitive.differentiable:
            return out
        if any(isinstance(x, Wrapper) for x in (*values, *tangents)):
            values, tangents = [lift(x) for x in values], [lift(x) for x in tangents]
            lifted = tuple([lift(x) for x in out]) if type(out) is tuple else lift(out)
        else:
            lifted = out
        plain = innermost(top)
        with adapter_of(plain).around_rules(plain):
            pushed = primitive.pushforward(values, lifted, tangents, params)
        kind = type(top)
        if type(out) is tuple:
            return tuple([kind(as_array(x), as_array(t), level) for x, t in zip(out, pushed)])
        out = as_array(out)
        return kind(out, as_array(expand_to(pushed, out.shape, out.dtype)), level)
