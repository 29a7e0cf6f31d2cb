"""Forward mode: an array that carries its rate of change along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xad.core.batching import settled
from xad.core.boxing import lift
from xad.core.conform import as_array, expand_to
from xad.core.diagnosis import explain_forward
from xad.core.primitive import Params, Primitive
from xad.core.quiet import quietly
from xad.core.wrapper import Wrapper


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
        plain = True
        for operand in operands:
            tangent = None
            if isinstance(operand, Wrapper):
                if isinstance(operand, Forward) and operand.level == level:
                    top = operand
                    operand, tangent = operand.value, operand.tangent
                else:
                    operand = settled(operand)
                if isinstance(operand, Wrapper) or isinstance(tangent, Wrapper):
                    plain = False
            values.append(operand)
            tangents.append(tangent)
        out = (primitive.compute if plain else primitive.dispatch)(values, params)
        if not primitive.differentiable:
            return out
        several = type(out) is tuple
        if several:
            out = tuple([as_array(x) for x in out])
        elif not out.shape:
            out = as_array(out)
        lifted = out
        if not plain:
            values, tangents = [lift(x) for x in values], [lift(x) for x in tangents]
            lifted = lift(out)
        kind = type(top)
        try:
            pushed = quietly(top, primitive.pushforward, values, lifted, tangents, params)
            if several:
                return tuple([kind(x, as_array(t), level) for x, t in zip(out, pushed)])
            pushed = expand_to(pushed, out.shape, out.dtype)
            return kind(out, pushed if out.shape else as_array(pushed), level)
        except Exception as error:
            explain_forward(error, primitive.name, values, tangents)
            raise
