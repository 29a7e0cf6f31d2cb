"""Batching: an array with one hidden axis, always the first, that the program does not see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xad.core.conform import namespace_of
from xad.core.primitive import BatchRule, Params, Primitive
from xad.core.tape import Reverse
from xad.core.wrapper import BASE_LEVEL, Wrapper


class Batched(Wrapper):
    """Many arrays of one shape, computed on at once."""

    __slots__ = ()

    def __init__(self, value: Any, level: int) -> None:
        self.value = value
        self.level = level

    @staticmethod
    def apply(primitive: Primitive, level: int, operands: Sequence[Any], params: Params) -> Any:
        """Compute one level down with the hidden axis in sight, by the operation's batch rule."""
        values = []
        batched = []
        top: Any = None
        for operand in operands:
            mine = isinstance(operand, Batched) and operand.level == level
            if mine:
                top = operand
            values.append(operand.value if mine else settled(operand))
            batched.append(mine)
        size = top.value.shape[0]
        out = primitive.batch(primitive, size, tuple(values), tuple(batched), params)
        if type(out) is tuple:
            return tuple([type(top)(x, level) for x in out])
        return type(top)(out, level)


def settled(x: Any) -> Any:
    """``x`` as it is now: the plain array in a tensor that no graph leads to, or a snapshot."""
    if not isinstance(x, Wrapper):
        return x
    if isinstance(x, Reverse) and x.level == BASE_LEVEL and x.node is None:
        return x.value
    return x.snapshot()


def rank(x: Any, is_batched: bool) -> int:
    """The number of axes that the program sees."""
    return getattr(x, "ndim", 0) - is_batched


def aligned(
    primitive: Primitive,
    size: int,
    operands: tuple[Any, ...],
    batched: tuple[bool, ...],
    params: Params,
) -> Any:
    """Elementwise operations: ranks are made equal, so that the hidden axes meet."""
    ranks = [rank(x, b) for x, b in zip(operands, batched)]
    most = max(ranks)
    operands = tuple(
        namespace_of(x).reshape(x, (size,) + (1,) * (most - r) + tuple(x.shape[1:]))
        if b and r < most
        else x
        for x, b, r in zip(operands, batched, ranks)
    )
    return primitive.bind(*operands, **params)


def shifted(*, axis: Sequence[str] = ("axis",), shape: Sequence[str] = ()) -> BatchRule:
    """Operations on one array by axes: non-negative axes move up by one, shapes gain the batch."""

    def rule(
        primitive: Primitive,
        size: int,
        operands: tuple[Any, ...],
        batched: tuple[bool, ...],
        params: Params,
    ) -> Any:
        params = dict(params)
        for name in axis:
            value = params[name]
            params[name] = value + 1 if isinstance(value, int) else tuple(i + 1 for i in value)
        for name in shape:
            params[name] = (size, *params[name])
        return primitive.bind(*spread(size, operands, batched), **params)

    return rule


def spread(size: int, operands: tuple[Any, ...], batched: tuple[bool, ...]) -> tuple[Any, ...]:
    """Give every array operand the batch axis, repeating those that have none."""
    return tuple(
        x if b else namespace_of(x).broadcast_to(x, (size, *x.shape))
        for x, b in zip(operands, batched)
    )
