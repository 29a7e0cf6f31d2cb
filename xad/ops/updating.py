"""``at``: a copy of an array with some of its elements changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xad.backend.registry import adapter_of
from xad.core.boxing import box
from xad.core.wrapper import Wrapper, innermost
from xad.errors import DTypeError
from xad.ops import elementwise
from xad.ops.arguments import Array, operand
from xad.ops.assignment import Masked, Rows, assigned, places, value_for
from xad.ops.gathering import add_at, gather
from xad.ops.indexing import getitem
from xad.ops.joining import concat
from xad.ops.manipulation import reshape
from xad.ops.overwriting import is_last, put
from xad.ops.searching import where
from xad.ops.sorting import argsort

__all__ = ["at"]

Operation = Callable[[Any, Any], Any]


class At:
    """An array of which some elements are to be changed: ``at(x)[key]`` says which."""

    __slots__ = ("_x",)

    def __init__(self, x: Array) -> None:
        self._x = x

    def __getitem__(self, key: Any) -> Changes:
        return Changes(self._x, key)


class Changes:
    """What can be done to ``x[key]``. Every method returns a new array; ``x`` stays as it is.

    ``v``: a number, an array that broadcasts to the shape of ``x[key]``, or a list; it is cast to
    the data type of ``x``.

    Errors: IndexError for a key that does not fit, ValueError for a shape that does not, TypeError
    for a ``v`` that the data type of ``x`` cannot hold.
    """

    __slots__ = ("_key", "_x")

    def __init__(self, x: Array, key: Any) -> None:
        self._x = x
        self._key = key

    def set(self, v: Any) -> Array:
        """``x[key] = v``; of two values for one element the last counts."""
        return assigned(self._x, self._key, v)

    def add(self, v: Any) -> Array:
        """``x[key] += v``; an element that the key names twice gets both."""
        return self._changed("add", elementwise.add, v, None)

    def subtract(self, v: Any) -> Array:
        """``x[key] -= v``; from an element that the key names twice both are taken."""
        return self._changed("subtract", elementwise.subtract, v, None)

    def multiply(self, v: Any) -> Array:
        """``x[key] *= v``; an element that the key names twice is multiplied by both."""
        return self._changed("multiply", elementwise.multiply, v, elementwise.multiply)

    def divide(self, v: Any) -> Array:
        """``x[key] /= v``; an element that the key names twice is divided by the product."""
        return self._changed("divide", elementwise.divide, v, elementwise.multiply)

    def min(self, v: Any) -> Array:
        """The smaller of ``x[key]`` and ``v``; where they tie each gets half of the gradient."""
        return self._changed("min", elementwise.minimum, v, elementwise.minimum)

    def max(self, v: Any) -> Array:
        """The larger of ``x[key]`` and ``v``; where they tie each gets half of the gradient."""
        return self._changed("max", elementwise.maximum, v, elementwise.maximum)

    def _changed(self, name: str, change: Operation, v: Any, join: Operation | None) -> Array:
        """``join`` makes one value of two for the same element; None is for sums."""
        x, what = self._x, f"xad.at(x)[key].{name}(v)"
        v = value_for(x, v, what)
        spots = places(x, self._key, v)
        if isinstance(spots, Masked):
            return where(spots.mask, _kept_dtype(change(x, spots.values_of(v)), x, what), x)
        if not isinstance(spots, Rows):
            return spots.write(x, _kept_dtype(change(getitem(x, self._key), v), x, what))
        rows, line = spots.rows_of(x), spots.line
        v = spots.values_of(v if hasattr(v, "dtype") else _array_of(v, x))
        if join is None:
            out = change(rows, add_at.bind(v, line, shape=tuple(rows.shape)))
        else:
            if not _all_different(line, spots.count):
                order = argsort(line)
                line, v = getitem(line, order), getitem(v, order)
                v = _totals(join, v, line)
            new = _kept_dtype(change(gather.bind(rows, line), v), x, what)
            out = put.bind(rows, new, line)
        return reshape(box(out), tuple(x.shape))


def _array_of(v: complex, x: Any) -> Any:
    inner = innermost(x)
    home = adapter_of(inner)
    return home.filled((), v, inner.dtype, home.device_of(inner))


def _kept_dtype(out: Any, x: Any, what: str) -> Any:
    if out.dtype != x.dtype:
        raise DTypeError(
            f"{what}: expected a result of {x.dtype}, like x, got {out.dtype}; cast x first, for "
            "example with xad.astype(x, xad.float64)"
        )
    return out


def _all_different(line: Any, count: int) -> bool:
    """Whether the numbers are known to name each row once."""
    if isinstance(line, Wrapper):
        return False
    return bool(adapter_of(line).namespace.all(is_last.bind(line, length=count)))


def _totals(join: Operation, v: Any, line: Any) -> Any:
    """The values of equal numbers joined from the first to each; both sorted by the numbers.

    Doubling the stretch joined takes log n steps. Source: Hillis and Steele, Data Parallel
    Algorithms, 1986.
    """
    count = line.shape[0]
    reach = 1
    while reach < count:
        same = elementwise.equal(line[reach:], line[:-reach])
        same = reshape(same, (count - reach, *(1,) * (v.ndim - 1)))
        ahead = v[reach:]
        v = concat([v[:reach], where(same, join(v[:-reach], ahead), ahead)])
        reach *= 2
    return v


def at(x: Array) -> At:
    """Change some elements of a copy: ``at(x)[key].add(v)`` is ``x`` with ``x[key] += v`` done.

        y = x, but y[key] = x[key] + v        dL/dx = dL/dy, dL/dv = dL/dy[key]

    ``key``: all that ``x[key]`` takes. The methods are ``set``, ``add``, ``subtract``,
    ``multiply``, ``divide``, ``min`` and ``max``. An element that integer arrays name several times
    takes part in all of them that often, and ``set`` leaves the last value. Each is differentiable
    in ``x`` and ``v``; at a tie ``min`` and ``max`` give half of the gradient to either side.

    A mask decides shapes, so that inside ``vmap`` and recordings ``v`` must broadcast to the axes
    that the mask leaves.

    >>> import numpy as np, xad
    >>> xad.at(np.zeros(3))[np.asarray([0, 0, 2])].add(1.0)
    Tensor([2., 0., 1.], dtype=float64, device='cpu')
    >>> xad.grad(lambda v: xad.sum(xad.at(np.ones(3))[1:].multiply(v)))(np.asarray(5.0))
    array(2.)

    Errors: TypeError for what is no array; see `x[key] = v` for keys and values.

    Source: JAX, ``jax.numpy.ndarray.at``; array-api-extra, ``at``.
    """
    return At(operand("at", x))
