"""Index arrays, and `gather`: elements at several of them at once, one for each leading axis.

Indices are operands, not parameters: they may be batched or recorded. The transpose, `add_at`,
adds, so that an element taken twice gets both gradients.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from xad.backend.adapter import Adapter
from xad.backend.registry import adapter_for, adapter_of
from xad.core.boxing import box
from xad.core.conform import namespace_of
from xad.core.primitive import Kernel, Params, Primitive
from xad.core.rules import Linear
from xad.core.wrapper import Wrapper, innermost
from xad.errors import IndexingError
from xad.ops.arguments import Array, is_kind
from xad.ops.data_type import astype
from xad.ops.declare import register


def _index_dtype(adapter: Adapter, device: Any) -> Any:
    # By the device's name: CuPy's devices have no hash.
    return _index_dtype_on(adapter, adapter.device_name(device))


@cache
def _index_dtype_on(adapter: Adapter, device: str) -> Any:
    return adapter.default_dtype("indexing", adapter.parse_device(device))


def integers(xp: Any, count: int, like: Any) -> Any:
    """0, 1, ..., count - 1 where ``like`` is, in its library's indexing dtype."""
    inner = innermost(like)
    adapter = adapter_of(inner)
    device = adapter.device_of(inner)
    return xp.arange(count, dtype=_index_dtype(adapter, device), device=device)


def index_array(name: str, indices: Any, x: Any) -> Any:
    """Indices as an array in the library and on the device of ``x``, of its indexing dtype."""
    inner = innermost(x)
    home = adapter_of(inner)
    wanted = _index_dtype(home, home.device_of(inner))
    if adapter_for(type(indices)) is home and indices.dtype == wanted:
        return home.rewrap(indices)
    if isinstance(indices, (list, tuple)):
        indices = np.asarray(indices, dtype=None if len(indices) else np.int64)
    if isinstance(indices, (np.ndarray, np.generic)):
        _check_integers(name, indices.dtype, indices.dtype.kind in "iu")
        indices = home.from_host(np.asarray(indices), home.device_of(inner))
    elif isinstance(indices, Wrapper) or adapter_for(type(indices)) is not None:
        _check_integers(name, indices.dtype, is_kind(indices, "integral"))
    else:
        raise IndexingError(
            f"xad.{name}: expected an integer array as index, got {type(indices).__name__}"
        )
    if indices.dtype.__class__ is wanted.__class__ and indices.dtype != wanted:
        return astype(indices, wanted)
    return indices


def _check_integers(name: str, dtype: Any, integral: bool) -> None:
    if not integral:
        raise IndexingError(
            f"xad.{name}: expected indices of an integer dtype, got {dtype}; cast them, for "
            'example with xad.astype(indices, "int64")'
        )


def moved_axis(xp: Any, x: Any, source: int, target: int) -> Any:
    """One axis moved, the others in order."""
    if source == target:
        return x
    order = [i for i in range(x.ndim) if i != source]
    order.insert(target, source)
    return xp.permute_dims(x, tuple(order))


def range_text(name: str, lengths: tuple[int, ...], error: Exception) -> str:
    """What to say of indices into axes of these lengths."""
    spans = " and ".join(f"from {-n} to {n - 1}" if n else "none at all" for n in lengths)
    return f"xad.{name}: expected indices {spans}, got others ({error})"


def is_out_of_range(error: Exception) -> bool:
    """Whether a library's error means that an index is out of range."""
    return isinstance(error, IndexError) or "out of bounds" in str(error)


@cache
def _takes_rows(adapter: Adapter) -> bool:
    """Whether x[i] may leave axes out; the standard asks for an index array on each."""
    xp = adapter.namespace
    try:
        xp.zeros((1, 1))[(xp.asarray([0]),)]
    except IndexError:
        return False
    return True


def _every_axis(adapter: Adapter, indices: tuple[Any, ...], rest: int, like: Any) -> Any:
    xp = adapter.namespace
    columns = [xp.reshape(i, (*i.shape, 1)) for i in indices]
    return (*columns, integers(xp, rest, like))


def _gather_kernel(adapter: Adapter) -> Kernel:
    xp = adapter.namespace

    def gather(x: Any, *indices: Any) -> Any:
        lead = tuple(x.shape[: len(indices)])
        rest = tuple(x.shape[len(indices) :])
        try:
            if not rest or _takes_rows(adapter):
                return adapter.gather(x, indices)
            count = math.prod(rest)
            key = _every_axis(adapter, indices, count, x)
            out = adapter.gather(xp.reshape(x, (*lead, count)), key)
            return xp.reshape(out, (*out.shape[:-1], *rest))
        except (IndexError, RuntimeError) as error:
            if not is_out_of_range(error):
                raise
            raise IndexingError(range_text("getitem", lead, error)) from error

    return gather


def add_at_kernel(adapter: Adapter) -> Kernel:
    """Zeros of ``shape`` with values added at the indices into its first axes."""
    xp = adapter.namespace

    def add_at(values: Any, *indices: Any, shape: tuple[int, ...]) -> Any:
        k = len(indices)
        if len(shape) == k or _takes_rows(adapter):
            return adapter.scatter_add(shape, indices, values)
        count = math.prod(shape[k:])
        flat = xp.reshape(values, (*values.shape[: values.ndim - len(shape) + k], count))
        key = _every_axis(adapter, indices, count, values)
        return xp.reshape(adapter.scatter_add((*shape[:k], count), key, flat), shape)

    return add_at


def aligned_indices(
    xp: Any, size: int, indices: Sequence[Any], batched: Sequence[bool]
) -> tuple[list[Any], int]:
    """Index arrays whose hidden axes meet when they broadcast, and the rank that users see."""
    ranks = [i.ndim - b for i, b in zip(indices, batched, strict=True)]
    rank = max(ranks)
    aligned = [
        xp.reshape(i, (size, *(1,) * (rank - r), *i.shape[1:])) if b else i
        for i, b, r in zip(indices, batched, ranks, strict=True)
    ]
    return aligned, rank


def _gather_batch(
    primitive: Primitive,
    size: int,
    operands: tuple[Any, ...],
    batched: tuple[bool, ...],
    params: Params,
) -> Any:
    """The hidden axis gets an index of its own, or waits behind the indexed axes."""
    x, *indices = operands
    adding = "shape" in params
    xp = namespace_of(*operands)
    key, rank = aligned_indices(xp, size, indices, batched[1:])
    if not any(batched[1:]):
        k = len(indices)
        if not adding:
            return moved_axis(xp, primitive.bind(moved_axis(xp, x, 0, k), *indices), rank, 0)
        shape = params["shape"]
        out = primitive.bind(
            moved_axis(xp, x, 0, rank), *indices, shape=(*shape[:k], size, *shape[k:])
        )
        return moved_axis(xp, out, k, 0)
    if adding and not batched[0]:
        x = xp.broadcast_to(x, (size, *x.shape))
    if adding or batched[0]:
        key.insert(0, xp.reshape(integers(xp, size, key[0]), (size,) + (1,) * rank))
    if adding:
        return primitive.bind(x, *key, shape=(size, *params["shape"]))
    return primitive.bind(x, *key)


gather = register(
    Linear(
        "gather",
        lambda xp, g, like, *indices: add_at.bind(g, *indices, shape=like.shape),
        batch=_gather_batch,
        kernel=_gather_kernel,
    )
)
add_at: Primitive = register(
    Linear(
        "add_at",
        lambda xp, g, like, *indices, shape: gather.bind(g, *indices),
        batch=_gather_batch,
        kernel=add_at_kernel,
    )
)


def gathered(x: Any, indices: Sequence[Any]) -> Array:
    """The elements of ``x`` at index arrays that broadcast, one for each of its first axes."""
    return box(gather.bind(x, *indices))
