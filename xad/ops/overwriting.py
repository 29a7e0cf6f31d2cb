"""Writing over a part of an array, as primitives: what ``x`` is with ``v`` in some of its places.

The result is linear in ``x`` and ``v`` together; where to write is constant.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from xad.backend.adapter import Adapter
from xad.core.conform import namespace_of
from xad.core.primitive import BatchRule, Kernel, Params, Primitive
from xad.core.rules import Constant
from xad.core.tape import Node
from xad.ops.declare import primitives, register
from xad.ops.gathering import gather, integers, moved_axis
from xad.ops.slicing import WHOLE


class Overwrite(Primitive):
    """``x`` with ``v`` written over a part of it; further operands say where.

    ``read(xp, g, *places, **params)`` takes from ``g`` what was written.
    """

    chooses = True

    def __init__(
        self,
        name: str,
        read: Callable[..., Any],
        *,
        batch: BatchRule,
        kernel: Callable[[Adapter], Kernel],
    ) -> None:
        super().__init__(name, batch=batch, kernel=kernel)
        self.read = read

    def keep(self, parents: Any, values: Any, out: Any) -> tuple[Any, ...]:
        """The places."""
        return tuple(values[2:])

    def pullback(self, node: Node, g: Any) -> list[Any]:
        """For ``x`` zeros where it was written over, for ``v`` what is there."""
        x, v, *_ = node.parents
        return [
            None if x is None else self.bind(g, 0, *node.saved, **node.params),
            None if v is None else self.read(namespace_of(g), g, *node.saved, **node.params),
        ]

    def pushforward(self, operands: Any, out: Any, tangents: Any, params: Params) -> Any:
        """The same on the tangents, zeros where there is none."""
        t, t_v, *_ = tangents
        t = namespace_of(out).zeros_like(out) if t is None else t
        return self.bind(t, 0 if t_v is None else t_v, *operands[2:], **params)


def _is_array(v: Any) -> bool:
    return hasattr(v, "dtype")


def _assign_batch(
    primitive: Primitive,
    size: int,
    operands: tuple[Any, ...],
    batched: tuple[bool, ...],
    params: Params,
) -> Any:
    x, v = operands
    key = params["key"]
    if not batched[0]:
        x = namespace_of(x).broadcast_to(x, (size, *x.shape))
    if batched[1]:
        axes = sum(type(part) is slice for part in key)
        grown = (size, *(1,) * (axes + 1 - v.ndim), *v.shape[1:])
        v = namespace_of(v).reshape(v, grown)
    return primitive.bind(x, v, key=(WHOLE, *key))


def _put_batch(
    primitive: Primitive,
    size: int,
    operands: tuple[Any, ...],
    batched: tuple[bool, ...],
    params: Params,
) -> Any:
    """Under common indices the hidden axis waits behind them; otherwise all rows become one."""
    x, v, indices = operands
    xp = namespace_of(*operands)
    x, *many = [
        y if b or not _is_array(y) else xp.broadcast_to(y, (size, *y.shape))
        for y, b in zip((x, v), batched, strict=False)
    ]
    (v,) = many
    if not batched[2]:
        x = moved_axis(xp, x, 0, 1)
        v = moved_axis(xp, v, 0, 1) if _is_array(v) else v
        return moved_axis(xp, primitive.bind(x, v, indices), 1, 0)
    n, *rest = x.shape[1:]
    flat = _numbered_apart(xp, size, indices, n)
    v = xp.reshape(v, (flat.shape[0], *rest)) if _is_array(v) else v
    return xp.reshape(primitive.bind(xp.reshape(x, (size * n, *rest)), v, flat), tuple(x.shape))


def _numbered_apart(xp: Any, size: int, indices: Any, length: int) -> Any:
    """Batched indices into ``length`` rows each, as indices into the rows of all, in one line."""
    first = xp.reshape(integers(xp, size, indices), (size, 1)) * length
    return xp.reshape(indices + first, (math.prod(indices.shape),))


def _is_last_batch(
    primitive: Primitive,
    size: int,
    operands: tuple[Any, ...],
    batched: tuple[bool, ...],
    params: Params,
) -> Any:
    (indices,) = operands
    xp = namespace_of(indices)
    length = params["length"]
    flat = _numbered_apart(xp, size, indices, length)
    return xp.reshape(primitive.bind(flat, length=size * length), tuple(indices.shape))


def _is_last_kernel(adapter: Adapter) -> Kernel:
    xp = adapter.namespace

    def is_last(indices: Any, length: int) -> Any:
        last = adapter.last_uses(indices, length)
        places = xp.arange(indices.shape[0], dtype=last.dtype, device=adapter.device_of(indices))
        return last == places

    return is_last


def _put_read(xp: Any, g: Any, indices: Any) -> Any:
    """Of several rows written to one place only the last is there."""
    rows = gather.bind(g, indices)
    there = is_last.bind(indices, length=g.shape[0])
    there = xp.reshape(there, (*there.shape, *(1,) * (g.ndim - 1)))
    return xp.where(there, rows, xp.zeros_like(rows))


assign = register(
    Overwrite(
        "assign",
        lambda xp, g, key: primitives["getitem"].bind(g, key=key),
        batch=_assign_batch,
        kernel=lambda adapter: lambda x, v, key: adapter.assign(x, key, v),
    )
)
put = register(
    Overwrite(
        "put",
        _put_read,
        batch=_put_batch,
        kernel=lambda adapter: lambda x, v, indices: adapter.put(x, indices, v),
    )
)
is_last = register(Constant("is_last", batch=_is_last_batch, kernel=_is_last_kernel))
