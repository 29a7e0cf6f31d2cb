"""Sorting functions: ``sort`` and ``argsort``."""

from __future__ import annotations

from typing import Any

from xad.core.batching import shifted
from xad.core.boxing import box
from xad.core.rules import Constant, General
from xad.ops.arguments import Array, one_axis, operand
from xad.ops.declare import register
from xad.ops.taking import add_along_axis

__all__ = ["argsort", "sort"]

_argsort = register(Constant("argsort", batch=shifted()))


def _order(x: Any, axis: int, descending: bool) -> Any:
    """The permutation that stands for the sort: the stable one, so that ties are settled."""
    return _argsort.bind(x, axis=axis, descending=descending, stable=True)


def _sort_back(g: Any, x: Any, axis: int, descending: bool) -> Any:
    """Each cotangent goes to where its element came from."""
    order = _order(x, axis, descending)
    return add_along_axis.bind(g, order, axis=axis, length=x.shape[axis])


def _sort_forward(xp: Any, t: Any, x: Any, axis: int, descending: bool) -> Any:
    return xp.take_along_axis(t, _order(x, axis, descending), axis=axis)


_sort = register(
    General("sort", "x", vjp={"x": _sort_back}, jvp={"x": _sort_forward}, batch=shifted())
)


def argsort(x: Array, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Array:
    """Indices that sort an array along an axis.

        sort(x) = take_along_axis(x, argsort(x))

    ``x``: an array of a real-valued data type. ``descending``: the largest first. ``stable``:
    equal elements keep their order, whichever way is sorted; False leaves it to the library. A
    nan counts as larger than any number. Returns integers of the shape of ``x``, constants to
    every transformation.

    Errors: TypeError for what is no array; AxisError for an axis that is not there; the library's
    own for data types that it does not sort.

    >>> import xad
    >>> order = xad.argsort(xad.asarray([2.0, 3.0, 2.0]), descending=True)
    >>> xad.all(order == xad.asarray([1, 0, 2])).item()
    True

    Source: Array API standard 2025.12, sorting functions.
    """
    x = operand("argsort", x)
    axis = one_axis("argsort", axis, x.ndim)
    return box(_argsort.bind(x, axis=axis, descending=bool(descending), stable=bool(stable)))


def sort(x: Array, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Array:
    """The elements in order along an axis.

        y_i = x_p(i)        dL/dx_p(i) = dL/dy_i

    p is the stable permutation also where ``stable`` is False: of equal elements the first one
    gets the first gradient.

    ``x``: an array of a real-valued data type. ``descending``: the largest first. ``stable``:
    equal elements keep their order. A nan counts as larger than any number. Returns an array of
    the same shape and data type.

    Errors: TypeError for what is no array; AxisError for an axis that is not there; the library's
    own for data types that it does not sort.

    >>> import numpy as np, xad
    >>> weights = np.asarray([1.0, 2.0, 3.0])
    >>> xad.grad(lambda x: xad.sum(xad.sort(x) * weights))(np.asarray([5.0, 4.0, 5.0]))
    array([2., 1., 3.])

    Source: Array API standard 2025.12, sorting functions.
    """
    x = operand("sort", x)
    axis = one_axis("sort", axis, x.ndim)
    return box(_sort.bind(x, axis=axis, descending=bool(descending), stable=bool(stable)))
