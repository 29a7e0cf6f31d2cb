"""Bring the arguments of public functions into the one form that rules see."""

from __future__ import annotations

import operator
from typing import Any, TypeAlias

from xad.backend.adapter import Adapter
from xad.backend.registry import adapter_for, adapter_of
from xad.backend.selection import selected
from xad.core.diagnosis import SCALARS
from xad.core.wrapper import Wrapper, innermost
from xad.errors import AxisError, ShapeError

Array: TypeAlias = Any
"""Any array that conforms to the standard: a tensor, or a plain array of a library."""

Axis: TypeAlias = int | tuple[int, ...] | None


def operand(name: str, x: Any) -> Any:
    """``x`` if it is an array; a Python number becomes one of the selected backend."""
    if isinstance(x, Wrapper):
        return x
    if type(x) in SCALARS:
        choice = selected()
        return choice.adapter.namespace.asarray(x, device=choice.device)
    adapter = adapter_for(type(x))
    if adapter is None:
        raise TypeError(
            f"xad.{name}: expected an array, got {type(x).__name__}; make one with xad.asarray(...)"
        )
    return adapter.rewrap(x)


def adapter_inside(x: Any) -> Adapter:
    """The adapter of the library at the bottom of ``x``."""
    return adapter_of(innermost(x))


def one_axis(name: str, axis: Any, ndim: int) -> int:
    """The axis, counted from the front."""
    index = operator.index(axis)
    if not -ndim <= index < ndim:
        if ndim == 0:
            raise AxisError(f"xad.{name}: expected no axis for an array of shape (), got {index}")
        raise AxisError(
            f"xad.{name}: expected an axis from {-ndim} to {ndim - 1}, got {index}: "
            f"the array has {ndim} axes"
        )
    return index + ndim if index < 0 else index


def many_axes(name: str, axis: Any, ndim: int) -> tuple[int, ...]:
    """All the axes meant, counted from the front; None means every one."""
    if axis is None:
        return tuple(range(ndim))
    if not isinstance(axis, (tuple, list)):
        return (one_axis(name, axis, ndim),)
    axes = tuple([one_axis(name, i, ndim) for i in axis])
    if len(set(axes)) != len(axes):
        raise AxisError(f"xad.{name}: expected each axis once, got {tuple(axis)}")
    return axes


def as_shape(name: str, shape: Any) -> tuple[int, ...]:
    """A shape as a tuple of Python integers; one integer stands for one axis."""
    try:
        if isinstance(shape, (tuple, list)):
            return tuple([operator.index(n) for n in shape])
        return (operator.index(shape),)
    except TypeError:
        raise TypeError(
            f"xad.{name}: expected a shape, an integer or a tuple of them, got {shape!r}"
        ) from None


def broadcast_shape(name: str, *shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that arrays of these shapes have together."""
    out: list[int] = []
    for place in range(1, max(map(len, shapes), default=0) + 1):
        lengths = {shape[-place] for shape in shapes if len(shape) >= place} - {1}
        if len(lengths) > 1:
            raise ShapeError(
                f"xad.{name}: expected shapes that broadcast, got "
                f"{' and '.join(map(str, shapes))}: axis {-place} has lengths "
                f"{' and '.join(map(str, sorted(lengths)))}"
            )
        out.append(lengths.pop() if lengths else 1)
    return tuple(out[::-1])


def is_kind(x: Any, kind: str | tuple[str, ...]) -> bool:
    """Whether the array is of this kind, by the standard's names: "real floating", "integral"..."""
    dtype = x.dtype
    try:
        return _kinds[kind][dtype.__class__][dtype]
    except KeyError:
        known = bool(adapter_inside(x).namespace.isdtype(dtype, kind))
        return _kinds.setdefault(kind, {}).setdefault(dtype.__class__, {}).setdefault(dtype, known)


# By class first: data types of different libraries may hash alike and refuse to be compared.
_kinds: dict[Any, dict[type, dict[Any, bool]]] = {}


INEXACT = ("real floating", "complex floating")


def is_inexact(x: Any) -> bool:
    """Whether the array can have a derivative: floating, real or complex."""
    return is_kind(x, INEXACT)
