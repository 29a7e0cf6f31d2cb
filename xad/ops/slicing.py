"""Keys of integers, slices and None: views of an array, as primitives.

A key with integers and slices, forwards, is one primitive, `sliced`, whose transpose is `place`.
Slices that run backwards are flipped after, None adds axes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from xad.core.boxing import anew, box
from xad.core.primitive import Params, Primitive
from xad.core.rules import Linear
from xad.errors import ConcreteValueError, IndexingError
from xad.ops.arguments import Array
from xad.ops.declare import register
from xad.ops.manipulation import flip, reshape

Key = tuple[int | slice, ...]

WHOLE = slice(None)


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


sliced = register(
    Linear(
        "getitem",
        lambda xp, g, like, key: place.bind(g, key=key, shape=like.shape),
        batch=_batched_key,
        kernel=lambda adapter: lambda x, key: x[key],
    )
)

place: Primitive = register(
    Linear(
        "place",
        lambda xp, g, like, key, shape: sliced.bind(g, key=key),
        batch=_batched_key,
        kernel=lambda adapter: lambda x, key, shape: adapter.scatter_add(shape, key, x),
    )
)


class Cut(NamedTuple):
    """A key without arrays: forwards slices, axes of what they leave to be flipped, new axes."""

    key: Key
    flipped: tuple[int, ...]
    new: tuple[int, ...]


def cut(items: list[Any], shape: tuple[int, ...]) -> Cut:
    """``items``: an integer or slice for each axis, None for each new one; Ellipsis for none."""
    key: list[int | slice] = []
    new: list[int] = []  # where None adds axes
    flipped: list[int] = []
    kept = 0
    for item in items:
        if item is Ellipsis:
            continue
        if item is None:
            new.append(kept + len(new))
            continue
        length = shape[len(key)]
        if type(item) is not slice:
            key.append(one_index(item, length))
            continue
        part, backwards = _forwards(item, length)
        if backwards:
            flipped.append(kept)
        key.append(part)
        kept += 1
    return Cut(tuple(key), tuple(flipped), tuple(new))


def basic(x: Any, items: list[Any]) -> Array:
    """``x[items]``, for an integer or slice for each axis, and None for new ones."""
    key, flipped, new = cut(items, x.shape)
    out = x
    if any(part is not WHOLE for part in key):
        out = sliced.bind(x, key=key)
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


def one_index(item: int, length: int) -> int:
    """The index counted from the front, if there is one like it."""
    if not -length <= item < length:
        span = f"from {-length} to {length - 1}" if length else "none at all"
        raise IndexingError(
            f"xad.getitem: expected an index {span}, got {item}: the axis has length {length}"
        )
    return item + length if item < 0 else item
