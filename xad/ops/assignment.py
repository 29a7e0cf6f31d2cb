"""Assignment: ``x[key] = v``.

A key of integers and slices is one primitive, `assign`. A key with arrays comes down to `put`, at
the numbers of the rows that it names: those that it takes out of an array of row numbers. A mask
over values that broadcast comes down to `where`, so that ``vmap`` may map over it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from xad.backend.adapter import Adapter
from xad.backend.registry import adapter_for, adapter_of
from xad.backend.selection import Selection
from xad.core.batching import settled
from xad.core.boxing import box
from xad.core.rebinding import rebind, sole
from xad.core.wrapper import Wrapper, innermost
from xad.errors import DTypeError, ShapeError
from xad.ops.arguments import Array, adapter_inside, is_kind
from xad.ops.creation import Creation
from xad.ops.data_type import astype
from xad.ops.gathering import integers
from xad.ops.indexing import BASIC, entry, expanded, getitem, is_mask
from xad.ops.manipulation import broadcast_to, flip, reshape
from xad.ops.overwriting import assign, put
from xad.ops.searching import where
from xad.ops.slicing import WHOLE, Cut, cut

# ---- the value -----------------------------------------------------------------------------------

KINDS = ("bool", "integral", "real floating", "complex floating")
NUMBERS = (bool, int, float, complex)


def value_for(x: Array, v: Any, what: str = "x[key] = v") -> Any:
    """``v`` as a Python number or an array of the dtype of ``x``.

    TypeError for what is neither number nor array, DTypeError where a cast would lose the kind.
    """
    if isinstance(v, np.generic):
        v = v.item()
    elif isinstance(v, (list, tuple)):
        inner = innermost(x)
        place = Selection(adapter_of(inner), adapter_of(inner).device_of(inner))
        v = Creation(lambda: place).asarray(list(v))
    number = isinstance(v, NUMBERS)
    if not number and not isinstance(v, Wrapper) and adapter_for(type(v)) is None:
        raise TypeError(
            f"{what}: expected a number, an array or a list of numbers as v, got {type(v).__name__}"
        )
    kind = _kind_of_number(v) if number else _kind_of(v)
    own = _kind_of(x)
    if kind > own:
        raise DTypeError(
            f"{what}: expected a v that {x.dtype} can hold, got "
            f"{type(v).__name__ if number else v.dtype}; cast v, for example with "
            "xad.astype(v, x.dtype) (or xad.real(v)), or make x an array of a wider kind"
        )
    if number:
        return int(v) if own > kind == 0 else v
    # Arrays of another library are refused by the operation, which names both.
    of_one = adapter_inside(v) is adapter_inside(x)
    return astype(v, x.dtype) if of_one and v.dtype != x.dtype else v


def _kind_of_number(v: Any) -> int:
    """Where a Python number stands in `KINDS`; subclasses as what they derive from."""
    kind = type(v) if type(v) in NUMBERS else next(k for k in NUMBERS if isinstance(v, k))
    return NUMBERS.index(kind)


def _kind_of(x: Any) -> int:
    """Where the data type of an array stands in `KINDS`."""
    dtype = x.dtype
    try:
        return _kinds[dtype.__class__][dtype]
    except KeyError:
        found = next(i for i, kind in enumerate(KINDS) if is_kind(x, kind))
        return _kinds.setdefault(dtype.__class__, {}).setdefault(dtype, found)


# By class first: data types of different libraries may hash alike and refuse to be compared.
_kinds: dict[type, dict[Any, int]] = {}


def _broadcast(v: Any, shape: tuple[int, ...]) -> Any:
    """``v`` without superfluous axes of length one, if it broadcasts to ``shape``."""
    given = tuple(v.shape)
    extra = len(given) - len(shape)
    if extra > 0 and given[:extra] == (1,) * extra:
        given = given[extra:]
        v = reshape(v, given)
    tail = shape[len(shape) - len(given) :]
    if len(given) > len(shape) or any(n not in (1, m) for n, m in zip(given, tail, strict=True)):
        raise ShapeError(
            f"x[key]: expected a v that broadcasts to {shape}, the shape of x[key], got {given}"
        )
    return v


# ---- the places ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Slices:
    """Places that integers and slices name; ``shape`` is that of x[key]."""

    cut: Cut
    kept: tuple[int, ...]
    shape: tuple[int, ...]

    def write(self, x: Any, v: Any) -> Array:
        """``x`` with ``v`` in these places."""
        if hasattr(v, "dtype"):
            v = _broadcast(v, self.shape)
            if self.cut.new:
                v = reshape(broadcast_to(v, self.shape), self.kept)
            missing = len(self.kept) - v.ndim
            axes = tuple([i - missing for i in self.cut.flipped if i >= missing])
            v = flip(v, axis=axes) if axes else v
        return box(assign.bind(x, v, key=self.cut.key))


@dataclass(frozen=True)
class Masked:
    """Places of all the elements of ``x`` where a mask over its first axes holds."""

    mask: Any
    rest: tuple[int, ...]

    def write(self, x: Any, v: Any) -> Array:
        """``x`` with ``v`` in these places."""
        return where(self.mask, self.values_of(v), x)

    def values_of(self, v: Any) -> Any:
        """``v`` as it broadcasts against ``x``."""
        return _broadcast(v, self.rest) if hasattr(v, "dtype") else v


@dataclass(frozen=True)
class Rows:
    """Places in rows, some repeated perhaps; a row is what the last axes, ``rest``, make up.

    ``numbers``, of the shape that the key gives them, count the rows of the other axes.
    """

    numbers: Any
    count: int
    rest: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """That of x[key]."""
        return (*self.numbers.shape, *self.rest)

    @property
    def line(self) -> Any:
        """The numbers along one axis."""
        return settled(reshape(self.numbers, (math.prod(self.numbers.shape),)))

    def rows_of(self, x: Any) -> Any:
        """The rows of ``x`` along one axis."""
        return reshape(x, (self.count, *self.rest))

    def values_of(self, v: Any) -> Any:
        """A row of ``v`` for each of the numbers."""
        full = broadcast_to(_broadcast(v, self.shape), self.shape)
        return reshape(full, (math.prod(self.numbers.shape), *self.rest))

    def write(self, x: Any, v: Any) -> Array:
        """``x`` with ``v`` in these places; of two values for one the last."""
        v = self.values_of(v) if hasattr(v, "dtype") else v
        return reshape(box(put.bind(self.rows_of(x), v, self.line)), tuple(x.shape))


Places: TypeAlias = Slices | Masked | Rows


def places(x: Array, key: Any, v: Any) -> Places:
    """Where ``x[key] = v`` writes."""
    shape = tuple(x.shape)
    items = key if type(key) is tuple else (key,)
    if all(type(item) in BASIC for item in items):
        return _slices(expanded(items, shape), shape)
    entries = expanded([entry(item) for item in items], shape)
    if not any(hasattr(item, "dtype") for item in entries):
        return _slices(entries, shape)
    while entries[-1] is Ellipsis or (type(entries[-1]) is slice and entries[-1] == WHOLE):
        entries.pop()
    given = [item for item in entries if item is not None and item is not Ellipsis]
    axes = sum(item.ndim if is_mask(item) else 1 for item in given)
    lead, rest = shape[:axes], shape[axes:]
    if len(entries) == 1 and is_mask(entries[0]) and tuple(entries[0].shape) == lead:
        superfluous = math.prod(v.shape[: -len(rest) or None]) if hasattr(v, "dtype") else 1
        if superfluous == 1 or getattr(v, "ndim", 0) <= len(rest):
            mask = reshape(_beside(entries[0], x), (*lead, *(1,) * len(rest)))
            return Masked(mask, rest)
    count = math.prod(lead)
    numbers: Any = box(integers(adapter_inside(x).namespace, count, x))
    return Rows(getitem(reshape(numbers, lead), tuple(entries)), count, rest)


def _slices(items: list[Any], shape: tuple[int, ...]) -> Slices:
    parts = cut(items, shape)
    kept = [
        len(range(*part.indices(n)))
        for part, n in zip(parts.key, shape, strict=True)
        if type(part) is slice
    ]
    final = list(kept)
    for i in parts.new:
        final.insert(i, 1)
    return Slices(parts, tuple(kept), tuple(final))


def _beside(mask: Any, x: Any) -> Any:
    """A mask of NumPy's in the library and on the device of ``x``."""
    inner = innermost(x)
    home = adapter_of(inner)
    if not isinstance(mask, np.ndarray) or home.name == "numpy":
        return mask
    return home.from_host(mask, home.device_of(inner))


# ---- assignment ----------------------------------------------------------------------------------


def assigned(x: Array, key: Any, v: Any) -> Array:
    """What ``x`` is after ``x[key] = v``: another array; ``x`` stays."""
    v = value_for(x, v)
    return places(x, key, v).write(x, v)


def setitem(x: Any, key: Any, v: Any) -> None:
    """``x[key] = v``: ``x`` becomes the array with ``v`` in it, or has its memory written into."""
    v = value_for(x, v)
    if not (sole(x) and _write(x.value, key, settled(v))):
        rebind(x, places(x, key, v).write(x, v), "x[key] = v")


def _write(inner: Any, key: Any, v: Any) -> bool:
    """Try it with the library's own assignment, into the memory of ``inner``."""
    home = adapter_of(inner)
    items = tuple([settled(item) for item in (key if type(key) is tuple else (key,))])
    if not all(type(item) in BASIC or type(item) is list or _is_of(home, item) for item in items):
        return False
    if hasattr(v, "dtype") and not _is_of(home, v):
        return False
    try:
        home.write(inner, items, v)
    except (IndexError, TypeError, ValueError, NotImplementedError):
        return False  # xad's own way does it, or says better what is wrong.
    return True


def _is_of(home: Adapter, item: Any) -> bool:
    return adapter_for(type(item)) is home


def operate(x: Any, native: Callable[[Any, Any], Any], other: Any) -> bool:
    """Try ``x += other`` on NumPy's memory itself; False where that may not be, or does not fit."""
    if not sole(x) or type(x.value) is not np.ndarray or x.value.dtype.kind not in "fc":
        return False
    inner, other = x.value, settled(other)
    if type(other) is np.ndarray:
        fits = other.dtype == inner.dtype
    else:
        fits = type(other) in NUMBERS and _kind_of_number(other) <= _kind_of(inner)
    if not fits:
        return False
    try:
        native(inner, other)
    except (TypeError, ValueError):
        return False
    return True
