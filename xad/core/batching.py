"""Batching: an array with one hidden axis, always the first, that the program does not see."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from typing import Any

from xad.backend.registry import adapter_of
from xad.core.conform import as_array, namespace_of
from xad.core.diagnosis import PACKAGE, explain_batch
from xad.core.primitive import BatchRule, Params, Primitive
from xad.core.tape import Reverse
from xad.core.wrapper import BASE_LEVEL, Wrapper, innermost
from xad.errors import SlowLoopWarning


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
        try:
            out = primitive.batch(primitive, size, tuple(values), tuple(batched), params)
        except Exception as error:
            explain_batch(error, primitive.name, operands, size)
            raise
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
    """Operations on one array by axes: axes move up by one, shapes gain the batch.

    ``axis`` and ``shape`` name the parameters that hold them. Axes counted from the end stay.
    """

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
            params[name] = _moved(value) if isinstance(value, int) else tuple(map(_moved, value))
        for name in shape:
            params[name] = (size, *params[name])
        return primitive.bind(*spread(size, operands, batched), **params)

    return rule


def _moved(axis: int) -> int:
    return axis + 1 if axis >= 0 else axis


def spread(size: int, operands: tuple[Any, ...], batched: tuple[bool, ...]) -> tuple[Any, ...]:
    """Give every array operand the batch axis, repeating those that have none."""
    return tuple(
        x if b else namespace_of(x).broadcast_to(x, (size, *x.shape))
        for x, b in zip(operands, batched)
    )


def stacked(
    primitive: Primitive,
    size: int,
    operands: tuple[Any, ...],
    batched: tuple[bool, ...],
    params: Params,
) -> Any:
    """Operations that take stacks: every operand gets the hidden axis, and no other moves."""
    return primitive.bind(*spread(size, operands, batched), **params)


def one_by_one(
    primitive: Primitive,
    size: int,
    operands: tuple[Any, ...],
    batched: tuple[bool, ...],
    params: Params,
) -> Any:
    """Where no rule is known: each example by itself, and a notice that this is slow."""
    notice(
        primitive,
        primitive.name,
        "it was declared without a batching rule: state one with batch=...",
    )
    chosen = [examples(x) if b else None for x, b in zip(operands, batched)]
    outs = []
    for i in range(size or 1):
        row = [x if example is None else example(i) for x, example in zip(operands, chosen)]
        outs.append(primitive.bind(*row, **params))
    if type(outs[0]) is tuple:
        return tuple([gathered(column, size) for column in zip(*outs)])
    return gathered(outs, size)


def examples(x: Any) -> Any:
    """A function from a number to that example; of an empty batch, to one that shows the shape."""
    if x.shape[0]:
        return lambda i: x[i, ...]
    inner = innermost(x)
    adapter = adapter_of(inner)
    shown = adapter.filled(tuple(x.shape[1:]), 1, x.dtype, adapter.device_of(inner))
    return lambda i: shown


def gathered(outs: Sequence[Any], size: int) -> Any:
    """The results of so many examples along a first axis."""
    outs = [as_array(out) for out in outs]
    if size:
        return namespace_of(*outs).stack(outs)
    inner = innermost(outs[0])
    adapter = adapter_of(inner)
    return adapter.filled((0, *outs[0].shape), 0, inner.dtype, adapter.device_of(inner))


_noticed: set[Primitive | str] = set()


def notice(what: Primitive | str, name: str, why: str) -> None:
    """Warn, the first time for each ``what``, that vmap loops over its examples in Python."""
    if what in _noticed:
        return
    _noticed.add(what)
    depth = 1
    frame: Any = sys._getframe(0)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
        depth += 1
    warnings.warn(
        f"xad.vmap: {name} runs in a Python loop, once for each example, since {why}; "
        "this is said once for each operation",
        SlowLoopWarning,
        stacklevel=depth,
    )
