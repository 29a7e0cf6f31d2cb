"""Utility functions: ``all`` and ``any``."""

from __future__ import annotations

from xad.core.batching import shifted
from xad.core.boxing import box
from xad.core.rules import Constant
from xad.ops.arguments import Array, Axis, many_axes, operand
from xad.ops.declare import register

__all__ = ["all", "any"]

_all = register(Constant("all", batch=shifted()))
_any = register(Constant("any", batch=shifted()))


def all(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Whether every element along the axes is true, or not zero; True where there are none.

    ``x``: an array of any shape and data type. ``axis``: an integer, a tuple of them, or None for
    all. ``keepdims``: keep these axes, with length one. Returns booleans, constants to every
    transformation.

    Errors: TypeError for what is no array; AxisError for an axis that is not there.

    >>> import xad
    >>> xad.all(xad.asarray([1.0, 0.0])).item()
    False

    Source: Array API standard 2025.12, utility functions.
    """
    x = operand("all", x)
    return box(_all.bind(x, axis=many_axes("all", axis, x.ndim), keepdims=bool(keepdims)))


def any(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Whether some element along the axes is true, or not zero; False where there are none.

    ``x``: an array of any shape and data type. ``axis``: an integer, a tuple of them, or None for
    all. ``keepdims``: keep these axes, with length one. Returns booleans, constants to every
    transformation.

    Errors: TypeError for what is no array; AxisError for an axis that is not there.

    >>> import xad
    >>> xad.any(xad.asarray([1.0, 0.0])).item()
    True

    Source: Array API standard 2025.12, utility functions.
    """
    x = operand("any", x)
    return box(_any.bind(x, axis=many_axes("any", axis, x.ndim), keepdims=bool(keepdims)))
