"""Set functions: the different elements of an array, and whether elements are among others.

All of them come from one grouping of equal elements, by sorting, which is written with the
standard's functions alone: the same in every library, also for those that lack set functions.
Elements that are not equal to themselves, as nan, make groups of their own.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from xad.backend.adapter import Adapter
from xad.backend.registry import adapter_of
from xad.core.batching import shifted
from xad.core.boxing import box
from xad.core.conform import is_complex, namespace_of
from xad.core.diagnosis import SCALARS
from xad.core.primitive import Kernel, Params, Primitive
from xad.core.rules import Constant, General
from xad.ops.arguments import Array, operand
from xad.ops.concrete import plain
from xad.ops.declare import register
from xad.ops.elementwise_discrete import equal, logical_not
from xad.ops.gathering import add_at, gather
from xad.ops.manipulation import reshape
from xad.ops.utility import any as some

__all__ = ["isin", "unique_all", "unique_counts", "unique_inverse", "unique_values"]


class UniqueAll(NamedTuple):
    """What `unique_all` returns."""

    values: Array
    indices: Array
    inverse_indices: Array
    counts: Array


class UniqueCounts(NamedTuple):
    """What `unique_counts` returns."""

    values: Array
    counts: Array


class UniqueInverse(NamedTuple):
    """What `unique_inverse` returns."""

    values: Array
    inverse_indices: Array


class _Groups(NamedTuple):
    """Groups of equal elements in rising order, as plain index arrays.

    ``first``: where each group has its first element; ``group``: the number of the group that
    each element is in; ``counts``: how many elements each group has.
    """

    first: Any
    group: Any
    counts: Any


def _ascending(adapter: Adapter, x: Any) -> Any:
    """Indices that sort a flat array stably; complex ones by real, then imaginary part."""
    xp = adapter.namespace
    if is_complex(x.dtype, x):
        by_imaginary = xp.argsort(xp.imag(x), stable=True)
        by_real = xp.argsort(xp.take(xp.real(x), by_imaginary, axis=0), stable=True)
        return xp.take(by_imaginary, by_real, axis=0)
    if xp.isdtype(x.dtype, "bool"):
        x = xp.astype(x, xp.uint8)
    return xp.argsort(x, stable=True)


def _grouped(adapter: Adapter, x: Any) -> _Groups:
    """The groups of a flat plain array."""
    xp = adapter.namespace
    order = _ascending(adapter, x)
    if not x.shape[0]:
        return _Groups(order, order, order)
    # torch lacks `take` of unsigned integers; Dask warns before it refuses complex ones.
    ordered = xp.take(x, order, axis=0) if is_complex(x.dtype, x) else x[order]
    begins = xp.concat([xp.ones_like(order[:1], dtype=xp.bool), ordered[1:] != ordered[:-1]])
    (starts,) = xp.nonzero(begins)
    ends = xp.concat([starts[1:], xp.full_like(starts[:1], x.shape[0])])
    numbers = xp.cumulative_sum(xp.astype(begins, order.dtype)) - 1
    return _Groups(
        first=order[starts],
        group=numbers[xp.argsort(order)],
        counts=ends - starts,
    )


# ---- the different elements ----------------------------------------------------------------------


def _share_evenly(xp: Any, g: Any, group: Any, counts: Any) -> Any:
    return gather.bind(xp.divide(g, xp.astype(counts, g.dtype)), group)


def _average(xp: Any, t: Any, group: Any, counts: Any) -> Any:
    total = add_at.bind(t, group, shape=tuple(counts.shape))
    return xp.divide(total, xp.astype(counts, t.dtype))


_values = register(
    General(
        "unique_values",
        "x first group counts",
        vjp={"x": _share_evenly},
        jvp={"x": _average},
        batch=shifted(axis=()),  # never used: what vmap maps over has no groups
        kernel=lambda adapter: lambda x, first, group, counts: x[first],
    )
)


def _unique(name: str, x: Any) -> tuple[Array, _Groups]:
    """The values, differentiable, and the groups, of which ``group`` has the shape of ``x``."""
    x = operand(name, x)
    inner = plain(name, "an array", x, "call it outside the transformation")
    adapter = adapter_of(inner)
    xp = adapter.namespace
    found = _grouped(adapter, xp.reshape(adapter.rewrap(inner), (-1,)))
    values = box(_values.bind(reshape(x, (-1,)), *found))
    return values, found._replace(group=xp.reshape(found.group, tuple(x.shape)))


def unique_all(x: Array, /) -> UniqueAll:
    """The different elements of an array, with where they are and how often.

    ``x``: an array of any shape and data type; it is flattened. Returns a named tuple of

    ``values``: the different elements, in rising order (complex ones by real, then imaginary part);
    ``indices``: where each of them is first, an index into the flattened array;
    ``inverse_indices``: for each element of ``x`` its place in ``values``;
    ``counts``: how often each of the values occurs.

    No nan equals another, 0 and -0 are equal. The gradient of a value is shared evenly among the
    elements equal to it; the integers are constants to every transformation.

    Errors: TypeError for what is no array; ConcreteValueError inside `xad.vmap` and
    `xad.make_program`, as the shape depends on the data.

    >>> import xad
    >>> found = xad.unique_all(xad.asarray([3, 1, 3]))
    >>> found.counts.shape, found.inverse_indices.shape
    ((2,), (3,))

    Source: Array API standard 2025.12, set functions.
    """
    values, found = _unique("unique_all", x)
    return UniqueAll(values, box(found.first), box(found.group), box(found.counts))


def unique_counts(x: Array, /) -> UniqueCounts:
    """The different elements of an array, and how often each of them occurs.

    Returns the ``values`` and ``counts`` of `unique_all`, which see, in a named tuple.

    >>> import xad
    >>> xad.sum(xad.unique_counts(xad.asarray([3, 1, 3])).counts).item()
    3

    Source: Array API standard 2025.12, set functions.
    """
    values, found = _unique("unique_counts", x)
    return UniqueCounts(values, box(found.counts))


def unique_inverse(x: Array, /) -> UniqueInverse:
    """The different elements of an array, and the indices that make the array of them again.

        x = take(values, inverse_indices)

    Returns the ``values`` and ``inverse_indices`` of `unique_all`, which see, in a named tuple.

    >>> import xad
    >>> x = xad.asarray([3, 1, 3])
    >>> values, inverse = xad.unique_inverse(x)
    >>> xad.all(xad.take(values, inverse) == x).item()
    True

    Source: Array API standard 2025.12, set functions.
    """
    values, found = _unique("unique_inverse", x)
    return UniqueInverse(values, box(found.group))


def unique_values(x: Array, /) -> Array:
    """The different elements of an array, in rising order.

        dL/dx_i = dL/dy_j / k for the k elements equal to y_j

    Returns the ``values`` of `unique_all`, which see.

    >>> import numpy as np, xad
    >>> xad.grad(lambda x: xad.sum(xad.unique_values(x)))(np.asarray([3.0, 1.0, 3.0]))
    array([0.5, 1. , 0.5])

    Source: Array API standard 2025.12, set functions.
    """
    return _unique("unique_values", x)[0]


# ---- membership ----------------------------------------------------------------------------------


def _isin_kernel(adapter: Adapter) -> Kernel:
    xp = adapter.namespace
    own = getattr(xp, "isin", None)
    common = ("signed integer", xp.uint8)

    def isin(x1: Any, x2: Any) -> Any:
        flat, pool = xp.reshape(x1, (-1,)), xp.reshape(x2, (-1,))
        if own is not None and xp.isdtype(x1.dtype, common) and xp.isdtype(x2.dtype, common):
            # The library may look in a table; of other data types not all are sure.
            found = own(flat, pool)
        else:
            # Whether the group of an element has its first member in the pool, which comes first.
            groups = _grouped(adapter, xp.concat([pool, flat]))
            found = groups.first[groups.group[pool.shape[0] :]] < pool.shape[0]
        return xp.reshape(found, tuple(x1.shape))

    return isin


def _isin_batch(
    primitive: Primitive,
    size: int,
    operands: tuple[Any, ...],
    batched: tuple[bool, ...],
    params: Params,
) -> Any:
    """Elements of one set are one search; many sets are searched one after the other."""
    if not batched[1]:
        return primitive.bind(*operands)
    rows = [
        primitive.bind(*[x[i, ...] if b else x for x, b in zip(operands, batched, strict=True)])
        for i in range(size)
    ]
    return namespace_of(*rows).stack(rows)


_isin = register(Constant("isin", batch=_isin_batch, kernel=_isin_kernel))


def isin(x1: Array | int, x2: Array | int, /, *, invert: bool = False) -> Array:
    """Whether each element of ``x1`` is equal to some element of ``x2``.

    ``x1``, ``x2``: arrays of any shapes; one may be a Python number. ``invert``: whether it is
    equal to none. Returns booleans of the shape of ``x1``, constants to every transformation.

    Errors: TypeError for what is no array, and for two numbers.

    >>> import xad
    >>> found = xad.isin(xad.asarray([1, 2, 5]), xad.asarray([5, 1]))
    >>> xad.all(found == xad.asarray([True, False, True])).item()
    True

    Source: Array API standard 2025.12, set functions.
    """
    numbers = [type(x) in SCALARS for x in (x1, x2)]
    if all(numbers):
        raise TypeError("xad.isin: expected at least one array, got two numbers; use x1 == x2")
    if any(numbers):
        found = equal(x1, x2)
        found = some(found) if numbers[0] else found
    else:
        found = box(_isin.bind(operand("isin", x1), operand("isin", x2)))
    return logical_not(found) if invert else found
