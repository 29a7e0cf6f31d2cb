"""Indexing: ``x[key]``.

Integers, slices, None and Ellipsis are one primitive, `getitem`. An array of integers comes down to
`take`, several to `gather`; NumPy's rules say where the new axes go, and they are put there after.
Masks become arrays of integers first.
"""

from __future__ import annotations

import math
import operator
from typing import Any, NamedTuple

import numpy as np

from xad.backend.registry import adapter_for, adapter_of
from xad.core.batching import settled
from xad.core.boxing import anew, box
from xad.core.primitive import Params, Primitive
from xad.core.recorded_numbers import RecordedNumber
from xad.core.rules import Linear
from xad.core.wrapper import Wrapper
from xad.errors import ConcreteValueError, IndexingError
from xad.ops.arguments import Array, broadcast_shape, is_kind
from xad.ops.concrete import plain
from xad.ops.declare import register
from xad.ops.gathering import gathered, index_array
from xad.ops.manipulation import flip, permute_dims, reshape
from xad.ops.taking import take_flat

Key = tuple[int | slice, ...]

WHOLE = slice(None)
BASIC = frozenset({int, slice, type(None), type(Ellipsis)})


def _batched_key(
    primitive: Primitive,
    size: int,
    operands: tuple[Any, ...],
    batched: tuple[bool, ...],
    params: Params,
) -> Any:
    params = {**params, "key": (WHOLE, *params["key"])}
    if "shape" in params:
        params["shape"] = (size, *params["shape"])
    return primitive.bind(*operands, **params)


_getitem = register(
    Linear(
        "getitem",
        lambda xp, g, like, key: _place.bind(g, key=key, shape=like.shape),
        batch=_batched_key,
        kernel=lambda adapter: lambda x, key: x[key],
    )
)

_place: Primitive = register(
    Linear(
        "place",
        lambda xp, g, like, key, shape: _getitem.bind(g, key=key),
        batch=_batched_key,
        kernel=lambda adapter: lambda x, key, shape: adapter.scatter_add(shape, key, x),
    )
)


def getitem(x: Array, key: Any) -> Array:
    """``x[key]``, with the keys that NumPy takes.

    Integers, slices (steps of any sign), None, Ellipsis; arrays or lists of integers, which
    broadcast together and may stand among the others; masks, of the shape of the axes that they
    stand for. A mask decides the result's shape, so ``vmap`` must not map over it.

    The gradient of an element is the sum over all the places that it was taken to.

    Raises IndexingError (an IndexError) for a key that does not fit, which includes integers out
    of range (in an array of them CuPy and JAX do not check), ConcreteValueError for masks whose
    values are hidden.

    Source: Array API standard 2025.12, indexing; NumPy's advanced indexing.
    """
    if isinstance(key, np.ndarray) and key.ndim == 1 and key.dtype.kind in "iu" and x.ndim:
        return take_flat(x, index_array("getitem", key, x), 0)
    items = key if type(key) is tuple else (key,)
    for item in items:
        if type(item) not in BASIC:
            return _with_arrays(x, items)
    return _basic(x, expanded(items, x.shape))


def expanded(items: Any, shape: tuple[int, ...]) -> list[Any]:
    """The key with slices for its ellipsis, or for what it leaves out at the end."""
    given = 0
    ellipses = 0
    for item in items:
        if item is Ellipsis:
            ellipses += 1
        elif item is not None:
            given += item.ndim if is_mask(item) else 1
    if given > len(shape) or ellipses > 1:
        raise IndexingError(
            f"xad.getitem: expected at most {len(shape)} indices and one ellipsis for an array of "
            f"shape {tuple(shape)}, got {given} and {ellipses}"
        )
    rest = [WHOLE] * (len(shape) - given)
    if not ellipses:
        return [*items, *rest]
    place = next(i for i, item in enumerate(items) if item is Ellipsis)
    return [*items[:place], *rest, *items[place + 1 :]]


# ---- integers, slices and None -------------------------------------------------------------------


class Cut(NamedTuple):
    """A key without arrays: forwards slices, axes of what they leave to be flipped, new axes."""

    key: Key
    flipped: tuple[int, ...]
    new: tuple[int, ...]


def cut(items: list[Any], shape: tuple[int, ...]) -> Cut:
    """``items``: an integer or slice for each axis, and None for each new one."""
    key: list[int | slice] = []
    new: list[int] = []  # where None adds axes
    flipped: list[int] = []
    kept = 0
    for item in items:
        if item is None:
            new.append(kept + len(new))
            continue
        length = shape[len(key)]
        if type(item) is not slice:
            key.append(_one_index(item, length))
            continue
        part, backwards = _forwards(item, length)
        if backwards:
            flipped.append(kept)
        key.append(part)
        kept += 1
    return Cut(tuple(key), tuple(flipped), tuple(new))


def _basic(x: Any, items: list[Any]) -> Array:
    key, flipped, new = cut(items, x.shape)
    out = x
    if any(part is not WHOLE for part in key):
        out = _getitem.bind(x, key=key)
    if flipped:
        out = flip(out, axis=flipped)
    if new:
        final = list(out.shape)
        for i in new:
            final.insert(i, 1)
        out = reshape(out, tuple(final))
    return anew(x) if out is x else box(out)


def _forwards(item: slice, length: int) -> tuple[slice, bool]:
    """The slice with bounds in range and a positive step, and whether it ran backwards."""
    if item.start is None and item.stop is None and item.step is None:
        return WHOLE, False
    try:
        start, stop, step = item.indices(length)
    except ConcreteValueError:
        raise
    except TypeError as error:
        raise IndexingError(f"xad.getitem: {error}, got {item}") from error
    if step > 0:
        whole = start == 0 and stop == length and step == 1
        return (WHOLE if whole else slice(start, max(start, stop), step)), False
    places = range(start, stop, step)
    if not places:
        return slice(0, 0, 1), False
    return slice(places[-1], places[0] + 1, -step), True


def _one_index(item: int, length: int) -> int:
    if not -length <= item < length:
        span = f"from {-length} to {length - 1}" if length else "none at all"
        raise IndexingError(
            f"xad.getitem: expected an index {span}, got {item}: the axis has length {length}"
        )
    return item + length if item < 0 else item


# ---- arrays --------------------------------------------------------------------------------------


def _with_arrays(x: Any, items: tuple[Any, ...]) -> Array:
    items = tuple([i.index(x) if isinstance(i, RecordedNumber) else i for i in items])
    entries = expanded([entry(item) for item in items], x.shape)
    if any(is_mask(item) for item in entries):
        x, entries = _without_masks(x, entries)
    is_array = [hasattr(item, "dtype") for item in entries]
    if not any(is_array):
        return _basic(x, entries)
    basic = [
        WHOLE if a else item for a, item in zip(is_array, entries, strict=True) if item is not None
    ]
    x = _basic(x, basic)
    arrays = [index_array("getitem", i, x) for a, i in zip(is_array, entries, strict=True) if a]
    left = [i for i in entries if i is not None and type(i) is not int]
    axes = [place for place, item in enumerate(left) if hasattr(item, "dtype")]
    shape = broadcast_shape("getitem", *[tuple(i.shape) for i in arrays])
    at = axes[0] if _side_by_side(entries) else 0
    rest = [i for i in range(x.ndim) if i not in axes]
    sizes = tuple([x.shape[i] for i in rest])
    return _shaped(_taken(x, arrays, axes, rest, at, len(shape)), entries, at, shape, sizes)


def entry(item: Any) -> Any:
    """An item of a key: an int, a slice, None, Ellipsis, or an array of integers or booleans."""
    if type(item) in BASIC:
        return item
    if isinstance(item, (list, range, bool, np.bool_)):
        item = np.asarray(item) if isinstance(item, bool) or item else np.zeros(0, np.int64)
    inner = settled(item)
    if isinstance(inner, (np.ndarray, np.generic)):
        if inner.dtype.kind in "iu" and inner.ndim == 0:
            return int(inner)
        if inner.dtype.kind in "iub":
            return np.asarray(inner)
    elif isinstance(inner, Wrapper) or adapter_for(type(inner)) is not None:
        if is_kind(inner, ("integral", "bool")):
            return inner
    else:
        try:
            return operator.index(item)
        except TypeError:
            pass
    kind = f"an array of {inner.dtype}" if hasattr(inner, "dtype") else type(item).__name__
    raise IndexingError(
        "xad.getitem: expected integers, slices, None, Ellipsis, or arrays of integers or booleans "
        f"in a key, got {kind}"
    )


def is_mask(item: Any) -> bool:
    """Whether the item of a key is an array of booleans."""
    return hasattr(item, "dtype") and is_kind(item, "bool")


def _without_masks(x: Any, entries: list[Any]) -> tuple[Any, list[Any]]:
    """Make the axes that a mask stands for one axis, and of the mask an array of integers."""
    old = tuple(x.shape)
    shape: list[int] = []
    new: list[Any] = []
    axis = 0
    for item in entries:
        if item is None:
            new.append(item)
            continue
        if not is_mask(item):
            shape.append(old[axis])
            new.append(item)
            axis += 1
            continue
        covered = old[axis : axis + item.ndim]
        # The standard lets an axis of length 0 stand for any: nothing is taken then.
        fits = all(n in (0, m) for n, m in zip(item.shape, covered, strict=False))
        if len(covered) != item.ndim or not fits:
            raise IndexingError(
                f"xad.getitem: expected a mask of shape {covered}, like the axes of the array of "
                f"shape {old} that it stands for, got {tuple(item.shape)}"
            )
        mask = plain("getitem", "a mask", item, "use xad.where(mask, x, other) instead")
        xp = adapter_of(mask).namespace
        new.append(xp.nonzero(xp.reshape(mask, (-1,)))[0])
        shape.append(math.prod(covered))
        axis += item.ndim
    return (x if tuple(shape) == old else reshape(x, tuple(shape))), new


def _side_by_side(entries: list[Any]) -> bool:
    """Whether integers and arrays follow each other without a slice or None between."""
    places = [i for i, item in enumerate(entries) if item is not None and type(item) is not slice]
    return places[-1] - places[0] == len(places) - 1


def _taken(x: Any, arrays: list[Any], axes: list[int], rest: list[int], at: int, rank: int) -> Any:
    """Take at arrays of ``rank`` axes along ``axes``; the new axes begin at ``at``."""
    if len(axes) == 1:
        (indices,) = arrays
        flat = indices if indices.ndim == 1 else settled(reshape(indices, (-1,)))
        out = take_flat(x, flat, axes[0])
        return out if axes[0] == at else permute_dims(out, (axes[0], *rest))
    if axes != list(range(len(axes))):
        x = permute_dims(x, (*axes, *rest))
    out = gathered(x, arrays)
    if not at:
        return out
    return permute_dims(
        out, (*range(rank, rank + at), *range(rank), *range(rank + at, rank + len(rest)))
    )


def _shaped(
    out: Any, entries: list[Any], at: int, indexed: tuple[int, ...], rest: tuple[int, ...]
) -> Any:
    """Give the axis taken along the indices' shape, and add the axes that None stands for."""
    lengths = iter(rest)
    final: list[int] = []
    apart = not _side_by_side(entries)
    if apart:
        final.extend(indexed)
    placed = apart
    for item in entries:
        if item is None:
            final.append(1)
        elif type(item) is slice:
            final.append(next(lengths))
        elif not placed:
            final.extend(indexed)
            placed = True
    return out if tuple(out.shape) == tuple(final) else reshape(out, tuple(final))
