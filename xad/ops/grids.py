"""Creation functions that rearrange arrays: triangles and grids."""

from __future__ import annotations

from typing import Any

from xad.core.batching import shifted
from xad.core.boxing import box
from xad.core.rules import Linear
from xad.errors import ShapeError
from xad.ops.arguments import Array, operand
from xad.ops.declare import register
from xad.ops.manipulation import broadcast_to, reshape

__all__ = ["meshgrid", "tril", "triu"]

_tril = register(Linear("tril", lambda xp, g, like, k: xp.tril(g, k=k), batch=shifted(axis=())))
_triu = register(Linear("triu", lambda xp, g, like, k: xp.triu(g, k=k), batch=shifted(axis=())))


def tril(x: Array, /, *, k: int = 0) -> Array:
    """Each matrix with zeros above its diagonal ``k``.

    Raises ShapeError for arrays with fewer than two axes.

    Source: Array API standard 2025.12, creation functions.
    """
    return box(_tril.bind(_matrices("tril", x), k=k))


def triu(x: Array, /, *, k: int = 0) -> Array:
    """Each matrix with zeros below its diagonal ``k``.

    Raises ShapeError for arrays with fewer than two axes.

    Source: Array API standard 2025.12, creation functions.
    """
    return box(_triu.bind(_matrices("triu", x), k=k))


def _matrices(name: str, x: Any) -> Any:
    x = operand(name, x)
    if x.ndim < 2:
        raise ShapeError(f"xad.{name}: expected at least two axes, got shape {tuple(x.shape)}")
    return x


def meshgrid(*arrays: Array, indexing: str = "xy") -> tuple[Array, ...]:
    """Coordinates of all points of a grid, from those along each of its axes.

    ``arrays``: one-dimensional. ``indexing``: "ij" gives the first array the first axis, "xy" the
    second, as on paper.

    Raises ShapeError for arrays with more axes, ValueError for another ``indexing``.

    >>> import numpy as np, xad
    >>> x, y = xad.meshgrid(np.arange(3.0), np.arange(2.0))
    >>> x.shape
    (2, 3)

    Source: Array API standard 2025.12, creation functions.
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f'xad.meshgrid: expected indexing "xy" or "ij", got {indexing!r}')
    found = [operand("meshgrid", x) for x in arrays]
    if any(x.ndim > 1 for x in found):
        raise ShapeError(
            "xad.meshgrid: expected one-dimensional arrays, got shapes "
            f"{', '.join(str(tuple(x.shape)) for x in found)}"
        )
    count = len(found)
    places = list(range(count))
    if indexing == "xy" and count > 1:
        places[:2] = [1, 0]
    found = [reshape(x, (-1,)) for x in found]
    shape = [1] * count
    for x, place in zip(found, places, strict=True):
        shape[place] = x.shape[0]
    grids = []
    for x, place in zip(found, places, strict=True):
        line = [1] * count
        line[place] = x.shape[0]
        grids.append(broadcast_to(reshape(x, tuple(line)), tuple(shape)))
    return tuple(grids)
