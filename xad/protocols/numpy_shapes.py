"""NumPy's functions that rearrange, join, split and pick elements, and make arrays like others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from xad.protocols.numpy_values import as_array

# ---- other shapes --------------------------------------------------------------------------------


def _reversed_axes(xp: Any, x: Any) -> Any:
    return xp.permute_dims(x, tuple(range(x.ndim))[::-1])


def _reshape(xp: Any, a: Any, shape: Any, order: str = "C", *, copy: Any = None) -> Any:
    x = as_array(xp, a)
    if order not in ("C", "F"):
        raise TypeError(f"np.reshape: expected order 'C' or 'F' for a tensor, got {order!r}")
    shape = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    if order == "C":
        return xp.reshape(x, shape, copy=copy)
    return _reversed_axes(xp, xp.reshape(_reversed_axes(xp, x), shape[::-1], copy=copy))


def _ravel(xp: Any, a: Any, order: str = "C") -> Any:
    return _reshape(xp, a, (-1,), order)


def _transpose(xp: Any, a: Any, axes: Any = None) -> Any:
    x = as_array(xp, a)
    return _reversed_axes(xp, x) if axes is None else xp.permute_dims(x, tuple(axes))


def _moveaxis(xp: Any, a: Any, source: Any, destination: Any) -> Any:
    return xp.moveaxis(a, _tuple(source), _tuple(destination))


def _roll(xp: Any, a: Any, shift: Any, axis: Any = None) -> Any:
    return xp.roll(a, _tuple(shift), axis=_tuple(axis))


def _tuple(axes: Any) -> Any:
    return tuple(axes) if isinstance(axes, list) else axes


def _swapaxes(xp: Any, a: Any, axis1: int, axis2: int) -> Any:
    axes = list(range(a.ndim))
    axes[axis1], axes[axis2] = axes[axis2], axes[axis1]
    return xp.permute_dims(a, tuple(axes))


def _rollaxis(xp: Any, a: Any, axis: int, start: int = 0) -> Any:
    axis, start = axis % a.ndim, start + a.ndim if start < 0 else start
    return xp.moveaxis(a, axis, start - (axis < start))


def _squeeze(xp: Any, a: Any, axis: Any = None) -> Any:
    if axis is None:
        axis = tuple(i for i, n in enumerate(a.shape) if n == 1)
    return xp.squeeze(a, axis=axis)


def _at_least(count: int) -> Any:
    places = {1: ((None,),), 2: ((None, None), (None, ...)), 3: _IN_SPACE}[count]

    def at_least(xp: Any, operands: Any) -> Any:
        arrays = [as_array(xp, x) for x in operands]
        arrays = [x[places[x.ndim]] if x.ndim < count else x for x in arrays]
        return arrays[0] if len(arrays) == 1 else tuple(arrays)

    return at_least


_IN_SPACE = ((None, None, None), (None, slice(None), None), (slice(None), slice(None), None))


def _flip_along(axis: int) -> Any:
    return lambda xp, m: xp.flip(m, axis=axis)


def _rot90(xp: Any, m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    first, second = axes
    if k % 4 == 2:
        return xp.flip(xp.flip(m, axis=first), axis=second)
    if k % 4 == 1:
        return _swapaxes(xp, xp.flip(m, axis=second), first, second)
    return xp.flip(_swapaxes(xp, m, first, second), axis=second) if k % 4 else m


def _tile(xp: Any, A: Any, reps: Any) -> Any:
    return xp.tile(as_array(xp, A), tuple(reps) if isinstance(reps, (tuple, list)) else (reps,))


# ---- joined and split ----------------------------------------------------------------------------


def _concatenate(
    xp: Any, arrays: Any, axis: Any = 0, _out: Any = None, *, dtype: Any = None
) -> Any:
    out = xp.concat([as_array(xp, x) for x in arrays], axis=axis)
    return out if dtype is None else xp.astype(out, dtype)


def _stack(xp: Any, arrays: Any, axis: int = 0, _out: Any = None, *, dtype: Any = None) -> Any:
    out = xp.stack([as_array(xp, x) for x in arrays], axis=axis)
    return out if dtype is None else xp.astype(out, dtype)


def _vstack(xp: Any, tup: Any, *, dtype: Any = None) -> Any:
    return _concatenate(xp, [_at_least(2)(xp, (x,)) for x in tup], 0, dtype=dtype)


def _hstack(xp: Any, tup: Any, *, dtype: Any = None) -> Any:
    arrays = [_at_least(1)(xp, (x,)) for x in tup]
    return _concatenate(xp, arrays, 0 if arrays[0].ndim == 1 else 1, dtype=dtype)


def _dstack(xp: Any, tup: Any) -> Any:
    return _concatenate(xp, [_at_least(3)(xp, (x,)) for x in tup], 2)


def _column_stack(xp: Any, tup: Any) -> Any:
    arrays = [as_array(xp, x) for x in tup]
    return xp.concat([xp.reshape(x, (-1, 1)) if x.ndim < 2 else x for x in arrays], axis=1)


def _append(xp: Any, arr: Any, values: Any, axis: Any = None) -> Any:
    return xp.concat([as_array(xp, arr), as_array(xp, values)], axis=axis)


def _array_split(xp: Any, ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    length = ary.shape[axis]
    if isinstance(indices_or_sections, int):
        size, more = divmod(length, indices_or_sections)
        cuts = [i * size + min(i, more) for i in range(indices_or_sections + 1)]
    else:
        cuts = [0, *[int(i) for i in indices_or_sections], length]
    before = (slice(None),) * (axis % ary.ndim)
    return [ary[(*before, slice(i, j))] for i, j in pairwise(cuts)]


def _split(xp: Any, ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    if isinstance(indices_or_sections, int) and ary.shape[axis] % indices_or_sections:
        raise ValueError(
            f"np.split: expected a length that {indices_or_sections} divides, got "
            f"{ary.shape[axis]}; np.array_split takes any"
        )
    return _array_split(xp, ary, indices_or_sections, axis)


def _split_along(axis: int) -> Any:
    def split(xp: Any, ary: Any, indices_or_sections: Any) -> list[Any]:
        return _split(xp, ary, indices_or_sections, 0 if ary.ndim == 1 and axis == 1 else axis)

    return split


# ---- elements picked -----------------------------------------------------------------------------


def _at(x: Any, axis: int, indices: Any) -> Any:
    return x[(*(slice(None),) * (axis % x.ndim), indices)]


def _take(xp: Any, a: Any, indices: Any, axis: Any = None) -> Any:
    x = as_array(xp, a)
    return xp.reshape(x, (-1,))[indices] if axis is None else _at(x, axis, indices)


def _take_along_axis(xp: Any, arr: Any, indices: Any, axis: Any = -1) -> Any:
    if axis is None:
        arr, axis = xp.reshape(arr, (-1,)), 0
    return xp.take_along_axis(arr, indices, axis=axis)


def _compress(xp: Any, condition: Any, a: Any, axis: Any = None) -> Any:
    places = xp.nonzero(as_array(xp, condition))[0]
    return _take(xp, a, places, axis)


def _extract(xp: Any, condition: Any, arr: Any) -> Any:
    return _compress(xp, xp.reshape(as_array(xp, condition), (-1,)), arr)


def _diag(xp: Any, v: Any, k: int = 0) -> Any:
    if v.ndim == 2:
        return xp.linalg.diagonal(v, offset=k)
    length = v.shape[0] + abs(k)
    rest = xp.zeros(abs(k), dtype=v.dtype, device=v.device)
    line = xp.concat([v, rest])[:, None] if k >= 0 else xp.concat([v, rest])[None, :]
    on_diagonal = xp.eye(length, k=k, dtype=v.dtype, device=v.device) == 1
    return xp.where(on_diagonal, line, xp.zeros_like(line))


def _diagflat(xp: Any, v: Any, k: int = 0) -> Any:
    return _diag(xp, xp.reshape(v, (-1,)), k)


def _diagonal(xp: Any, a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return xp.linalg.diagonal(xp.moveaxis(a, (axis1, axis2), (-2, -1)), offset=offset)


def _trace(
    xp: Any, a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None
) -> Any:
    return xp.sum(_diagonal(xp, a, offset, axis1, axis2), axis=-1, dtype=dtype)


def _diff(
    xp: Any, a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None
) -> Any:
    return xp.diff(
        a, n=n, axis=axis, prepend=_edge(xp, a, prepend, axis), append=_edge(xp, a, append, axis)
    )


def _edge(xp: Any, x: Any, value: Any, axis: int) -> Any:
    """What np.diff puts at an end: one number stands for a slice full of it."""
    if value is None:
        return None
    value = xp.astype(as_array(xp, value), x.dtype) if not hasattr(value, "dtype") else value
    if value.ndim:
        return value
    shape = list(x.shape)
    shape[axis] = 1
    return xp.broadcast_to(value, tuple(shape))


def _ediff1d(xp: Any, ary: Any) -> Any:
    return xp.diff(xp.reshape(ary, (-1,)))


# ---- like others ---------------------------------------------------------------------------------


def _like(name: str) -> Any:
    def make(
        xp: Any, a: Any, dtype: Any = None, order: Any = None, subok: Any = None, shape: Any = None
    ) -> Any:
        if shape is None:
            return getattr(xp, f"{name}_like")(a, dtype=dtype)
        return getattr(xp, name)(shape, dtype=dtype or a.dtype, device=a.device)

    return make


def _full_like(
    xp: Any,
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: Any = None,
    subok: Any = None,
    shape: Any = None,
) -> Any:
    like = a if shape is None else xp.empty(shape, dtype=a.dtype, device=a.device)
    return xp.full_like(like, fill_value, dtype=dtype)


def _copy(xp: Any, a: Any, order: Any = None, subok: Any = None) -> Any:
    return xp.asarray(a, copy=True)


def _astype(xp: Any, x: Any, dtype: Any, *, copy: bool = True) -> Any:
    return xp.astype(x, dtype, copy=copy)


def _linspace(
    xp: Any,
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    _retstep: bool = False,
    dtype: Any = None,
) -> Any:
    start, stop = as_array(xp, start), as_array(xp, stop)
    like = xp.result_type(start, stop, 1.0)
    line = xp.linspace(0.0, 1.0, num, endpoint=endpoint, dtype=like, device=start.device)
    line = xp.reshape(line, (-1, *(1,) * max(start.ndim, stop.ndim)))
    out = (1 - line) * start + line * stop
    return out if dtype is None else xp.astype(out, dtype)


def _real(xp: Any, val: Any) -> Any:
    return xp.real(val) if xp.isdtype(val.dtype, "complex floating") else val


def _imag(xp: Any, val: Any) -> Any:
    return xp.imag(val) if xp.isdtype(val.dtype, "complex floating") else xp.zeros_like(val)


def _angle(xp: Any, z: Any, deg: bool = False) -> Any:
    angle = xp.atan2(_imag(xp, z), _real(xp, z))
    return angle * (180 / math.pi) if deg else angle


def _broadcast_arrays(xp: Any, operands: Sequence[Any]) -> Any:
    return xp.broadcast_arrays(*[as_array(xp, x) for x in operands])


def _meshgrid(
    xp: Any, operands: Any, *, copy: bool = True, _sparse: bool = False, indexing: str = "xy"
) -> Any:
    return xp.meshgrid(*[as_array(xp, x) for x in operands], indexing=indexing)


ADAPTERS = {
    "angle": _angle,
    "append": _append,
    "array_split": _array_split,
    "astype": _astype,
    "atleast_1d": _at_least(1),
    "atleast_2d": _at_least(2),
    "atleast_3d": _at_least(3),
    "broadcast_arrays": _broadcast_arrays,
    "column_stack": _column_stack,
    "compress": _compress,
    "concatenate": _concatenate,
    "copy": _copy,
    "diag": _diag,
    "diagflat": _diagflat,
    "diagonal": _diagonal,
    "diff": _diff,
    "dsplit": _split_along(2),
    "dstack": _dstack,
    "ediff1d": _ediff1d,
    "empty_like": _like("empty"),
    "extract": _extract,
    "fliplr": _flip_along(1),
    "flipud": _flip_along(0),
    "full_like": _full_like,
    "hsplit": _split_along(1),
    "hstack": _hstack,
    "imag": _imag,
    "linspace": _linspace,
    "meshgrid": _meshgrid,
    "moveaxis": _moveaxis,
    "ones_like": _like("ones"),
    "ravel": _ravel,
    "real": _real,
    "reshape": _reshape,
    "roll": _roll,
    "rollaxis": _rollaxis,
    "rot90": _rot90,
    "split": _split,
    "squeeze": _squeeze,
    "stack": _stack,
    "swapaxes": _swapaxes,
    "take": _take,
    "take_along_axis": _take_along_axis,
    "tile": _tile,
    "trace": _trace,
    "transpose": _transpose,
    "vsplit": _split_along(0),
    "vstack": _vstack,
    "zeros_like": _like("zeros"),
}
"""NumPy's functions by name; ``xp`` is the namespace of the tensor that was met."""
