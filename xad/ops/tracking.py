"""What tracking needs and the standard has no name for: to stop, to seed, to copy under it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from xad import tree
from xad.backend.registry import adapter_of
from xad.core.batching import aligned
from xad.core.boxing import box
from xad.core.rules import Constant, Linear
from xad.core.wrapper import Wrapper, innermost
from xad.ops.arguments import Array, operand
from xad.ops.declare import register

__all__ = ["stop_gradient"]

_stop_gradient = register(
    Constant("stop_gradient", batch=aligned, kernel=lambda adapter: lambda x: x)
)
_copy = register(
    Linear(
        "copy",
        lambda xp, g, like: g,
        batch=aligned,
        kernel=lambda adapter: lambda x: adapter.namespace.asarray(x, copy=True),
    )
)


def stop_gradient(x: Any) -> Any:
    """The same values, as constants: every derivative through them is zero.

    ``x``: an array or a tree of arrays. Holds for all transformations around it.

    >>> import numpy as np, xad
    >>> xad.grad(lambda x: x * xad.stop_gradient(x))(np.asarray(3.0))
    array(3.)

    Source: JAX, ``jax.lax.stop_gradient``.
    """
    return tree.map(_stop_one, x)


def _stop_one(x: Any) -> Any:
    return box(_stop_gradient.bind(operand("stop_gradient", x)))


def copied(x: Array) -> Array:
    """The same values in memory of their own; gradients flow through."""
    return box(_copy.bind(x))


def filled(x: Any, value: complex) -> Any:
    """A plain array full of ``value``, of the shape, dtype and device of ``x``."""
    inner = innermost(x)
    adapter = adapter_of(inner)
    return adapter.filled(tuple(x.shape), value, x.dtype, adapter.device_of(inner))


def separate(gradients: Iterable[Any], cotangents: Iterable[Any]) -> list[Any]:
    """Gradients that users may write into: none lies over another's memory, or over a cotangent's.

    Rules share arrays freely (the two gradients of a sum are one, a broadcast one is a view); that
    ends where they leave.
    """
    taken = {id(g) for g in cotangents}
    made = []
    for gradient in gradients:
        if not isinstance(gradient, Wrapper):
            adapter = adapter_of(gradient)
            gradient = adapter.owned(gradient)
            if id(gradient) in taken:
                gradient = adapter.namespace.asarray(gradient, copy=True)
            taken.add(id(gradient))
        made.append(gradient)
    return made
