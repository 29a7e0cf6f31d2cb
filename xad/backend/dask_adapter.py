"""Dask: arrays in blocks, computed when they are asked for."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from math import prod
from types import SimpleNamespace
from typing import Any

import numpy as np

from xad.backend.adapter import Adapter
from xad.backend.dask_linalg import linalg_over
from xad.backend.keys import Key, key_kind
from xad.backend.numpy_adapter import NumpyAdapter
from xad.errors import BackendError, IndexingError

__all__ = ["DaskAdapter"]

Function = Callable[..., Any]

_numpy = NumpyAdapter()

_BY_ELEMENTS = ("polygamma", "spherical_jn", "zeta")


class DaskAdapter(Adapter):
    """Dask arrays over NumPy blocks, through array-api-compat. Nothing here computes anything.

    Arrays whose shape only a computation would tell are refused: `BackendError`. What Dask has no
    function for is computed by NumPy in one task on whole arrays where the result's shape is
    known: elements at several index arrays, additions there, and what goes with them.
    """

    shares_host_memory = False
    mutable = False  # `a[0] = 1` makes another graph of tasks

    def __init__(self) -> None:
        super().__init__(
            "dask",
            module="dask.array",
            namespace_module="array_api_compat.dask.array",
            types=("dask.array:Array",),
        )

    # ---- the library ------------------------------------------------------------------------

    @property
    def _dask(self) -> Any:
        return self._import("dask")

    @property
    def _array(self) -> Any:
        return self._import("dask.array")

    @property
    def namespace(self) -> Any:
        """array-api-compat's functions; those that give no known shape refuse, some are mended."""
        if not isinstance(self._namespace, SimpleNamespace):
            xp = self._import(self._namespace_module)
            found = {**vars(xp), **self._mended(xp)}
            self._namespace = self._guarded(found)
            linalg = {**vars(xp.linalg), **linalg_over(self._array)}
            self._namespace.linalg = self._guarded(linalg, "linalg.")
            self._namespace.fft = self._guarded(vars(xp.fft), "fft.")
        return self._namespace

    def _mended(self, xp: Any) -> dict[str, Function]:
        return {
            "eye": _eye(xp),
            "max": _extreme(xp.max, np.max),
            "min": _extreme(xp.min, np.min),
            "searchsorted": _searchsorted(xp),
            "take": _take(xp),
            "take_along_axis": self._take_along_axis,
        }

    def _guarded(self, functions: dict[str, Any], prefix: str = "") -> SimpleNamespace:
        return SimpleNamespace(
            **{
                name: self._of_known_shape(prefix + name, value)
                if callable(value) and not isinstance(value, type)
                else value
                for name, value in functions.items()
            }
        )

    def _of_known_shape(self, name: str, function: Function) -> Function:
        """``function``, which refuses arrays whose shape is not known before they are computed."""

        def run(*args: Any, **kwargs: Any) -> Any:
            for x in args:
                self._refuse_unknown(x, f"an operand of xad.{name}")
            with warnings.catch_warnings():
                # Dask casts empty complex arrays to find out data types.
                warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
                out = function(*args, **kwargs)
            for x in out if isinstance(out, tuple) else (out,):
                self._refuse_unknown(x, f"the result of xad.{name}")
            return out

        return run

    def _refuse_unknown(self, x: Any, what: str) -> None:
        # A length that is not known is nan, which is unequal to itself.
        if isinstance(x, self._array.Array) and any(n != n for n in x.shape):  # noqa: PLR0124
            raise BackendError(
                f"dask has no known shape for {what}, {x.shape}: it depends on values that are "
                "not computed yet. Call x.compute_chunk_sizes() on the Dask array first, use "
                "xad.where in place of a mask, or move to a library that computes at once, for "
                'example with x.to("numpy").'
            )

    def _special(self, name: str) -> Any:
        # SciPy's ufuncs run on each block, and those of its other functions that make an element
        # of an element. The rest would compute the array.
        found = self._special_from("scipy.special", name)
        if name in _BY_ELEMENTS:
            return partial(self._import("dask.array.core").elemwise, found)
        return found if isinstance(found, np.ufunc) else None

    def _try(self) -> None:
        self.namespace.zeros((1,)).compute(scheduler="synchronous")

    # ---- devices ----------------------------------------------------------------------------

    def devices(self) -> list[Any]:
        """The host."""
        return ["cpu"]

    def default_device(self) -> Any:
        """The host."""
        return "cpu"

    def device_of(self, array: Any, /) -> Any:
        """The host."""
        return "cpu"

    def to_device(self, array: Any, device: Any, /) -> Any:
        """The array itself: there is one device."""
        self.parse_device(device)
        return array

    # ---- arrays -----------------------------------------------------------------------------

    def host_copy(self, array: Any, /) -> np.ndarray[Any, Any]:
        """The values, computed now."""
        with self.around_rules(array):
            return np.array(array.compute(), copy=True)

    def lazy(self, array: Any, /) -> bool:
        """Always."""
        return True

    def computed(self, arrays: list[Any], /) -> list[Any]:
        """The arrays with their values computed, in one call of the scheduler."""
        # What rules put off is computed here; scheduled to other threads it may still warn.
        with self.around_rules(arrays):
            return list(self._dask.persist(*arrays))

    def rewrap(self, value: Any, /) -> Any:
        """``value`` itself. Errors: BackendError where the shape is not known yet."""
        self._refuse_unknown(value, "an array")
        return value

    def write(self, out: Any, key: Key, values: Any, /) -> Any:
        """``out`` with ``values`` at ``key``, by blocks where there are several and Dask can."""
        basic = key_kind(key, self.namespace.bool) == "basic"
        if basic and out.npartitions > 1 and prod(getattr(values, "shape", ())):
            return super().write(out, key, values)
        return self._in_one_task(_written, out.shape, out.dtype, out, key, values)

    def assign(self, array: Any, key: Key, values: Any, /) -> Any:
        """As `Adapter.assign`."""
        return self.write(array.copy(), key, values)

    def put(self, array: Any, indices: Any, values: Any, /) -> Any:
        """As `Adapter.put`."""
        return self._in_one_task(_put, array.shape, array.dtype, array, indices, values)

    def last_uses(self, indices: Any, length: int, /) -> Any:
        """As `Adapter.last_uses`."""
        return self._in_one_task(_last_uses, indices.shape, np.dtype(np.int64), indices, length)

    def gather(self, array: Any, indices: Key, /) -> Any:
        """As `Adapter.gather`. Indices are looked at when they are computed."""
        places = np.broadcast_shapes(*(i.shape for i in indices))
        shape = (*places, *array.shape[len(indices) :])
        return self._in_one_task(_gathered, shape, array.dtype, array, indices)

    def _accumulate(self, shape: tuple[int, ...], key: Key, values: Any) -> Any:
        return self._in_one_task(_added, shape, values.dtype, shape, key, values)

    def _in_one_task(
        self, function: Function, shape: tuple[int, ...], dtype: Any, *args: Any
    ) -> Any:
        """The array that a function of whole NumPy arrays will make, when it is computed."""
        arrays: list[Any] = []
        template = self._without_arrays(args, arrays)
        # Every axis has a label of its own, so that blockwise puts all blocks of it together. (What
        # dask.delayed takes it looks through from the beginning: n operations would cost n**2.)
        labels = count()
        pairs = [part for x in arrays for part in (x, [next(labels) for _ in x.shape])]
        new = {next(labels): n for n in shape}
        return self._array.blockwise(
            partial(_with_arrays, function, template),
            list(new),
            *pairs,
            new_axes=new,
            align_arrays=False,
            concatenate=True,
            dtype=dtype,
            meta=np.empty((0,) * len(shape), dtype),
        )

    def _without_arrays(self, x: Any, arrays: list[Any]) -> Any:
        """Nested tuples with the number of each array in its place; the arrays go to a list."""
        if isinstance(x, tuple):
            return tuple([self._without_arrays(part, arrays) for part in x])
        if not isinstance(x, self._array.Array):
            return x
        arrays.append(x)
        return _Place(len(arrays) - 1)

    def _take_along_axis(self, x: Any, indices: Any, /, *, axis: int = -1) -> Any:
        # By blocks of the other axes; of this one a task sees all elements and some of the indices.
        labels = list(range(x.ndim))
        found = list(labels)
        found[axis] = x.ndim
        return self._array.blockwise(
            *(np.take_along_axis, found, x, labels, indices, found),
            axis=axis,
            concatenate=True,
            dtype=x.dtype,
            meta=np.empty((0,) * x.ndim, x.dtype),
        )


# ---- what tasks run: functions of NumPy arrays ---------------------------------------------------


@dataclass(frozen=True)
class _Place:
    """Where an array was among the arguments; for Dask not the same as an integer there."""

    number: int


def _with_arrays(function: Function, template: tuple[Any, ...], *arrays: Any) -> Any:
    return function(*_filled(template, arrays))


def _filled(x: Any, arrays: tuple[Any, ...]) -> Any:
    if isinstance(x, tuple):
        return tuple([_filled(part, arrays) for part in x])
    return arrays[x.number] if isinstance(x, _Place) else x


def _added(shape: tuple[int, ...], key: Key, values: Any) -> Any:
    return _numpy.scatter_add(shape, key, np.asarray(values))


def _written(out: Any, key: Key, values: Any) -> Any:
    return _numpy.write(np.array(out), key, values)


def _gathered(array: Any, indices: Key) -> Any:
    pairs = zip(indices, np.shape(array), strict=False)
    return np.asarray(array)[tuple([_in_range(i, length) for i, length in pairs])]


def _put(array: Any, indices: Any, values: Any) -> Any:
    return _numpy.put(array, indices, values)


def _last_uses(indices: Any, length: int) -> Any:
    return np.asarray(_numpy.last_uses(indices, length), np.int64)


def _in_range(indices: Any, length: int) -> Any:
    if indices.size and not (-length <= indices.min() and indices.max() < length):
        raise IndexingError(
            f"xad over dask: expected indices from {-length} to {length - 1}, got others from "
            f"{indices.min()} to {indices.max()}"
        )
    return indices


# ---- functions of array-api-compat, mended -------------------------------------------------------


def _extreme(function: Function, of_numpy: Function) -> Function:
    """Also of an array that has no element, for a result that has none either."""

    def run(x: Any, /, *, axis: Any = None, keepdims: bool = False) -> Any:
        if 0 not in x.shape:
            return function(x, axis=axis, keepdims=keepdims)
        # NumPy says what is wrong where the result would have elements.
        result = of_numpy(np.empty(x.shape, x.dtype), axis=axis, keepdims=keepdims)
        return x.reshape((-1,)).reshape(result.shape)

    return run


def _eye(xp: Any) -> Function:
    """Also with fewer rows than columns: of these Dask's own graph lacks blocks."""

    def eye(
        n_rows: int,
        n_cols: int | None = None,
        /,
        *,
        k: int = 0,
        dtype: Any = None,
        device: Any = None,
    ) -> Any:
        rows, columns = xp.arange(n_rows), xp.arange(n_rows if n_cols is None else n_cols)
        ones = xp.equal(rows[:, None] + k, columns)
        return xp.astype(ones, xp.float64 if dtype is None else dtype)

    return eye


def _searchsorted(xp: Any) -> Function:
    """With values of any shape, and a sorter."""

    def searchsorted(x1: Any, x2: Any, /, *, side: str = "left", sorter: Any | None = None) -> Any:
        ordered = x1 if sorter is None else xp.take(x1, sorter, axis=0)
        if not hasattr(x2, "shape"):
            x2 = xp.asarray(x2, dtype=x1.dtype)
        found = xp.searchsorted(ordered, xp.reshape(x2, (-1,)), side=side)
        return xp.reshape(found, x2.shape)

    return searchsorted


def _take(xp: Any) -> Function:
    """With indices that are looked at when they are computed: Dask drops those out of range."""

    def take(x: Any, indices: Any, /, *, axis: int | None = None) -> Any:
        axis = 0 if axis is None else axis
        checked = indices.map_blocks(_in_range, x.shape[axis], dtype=indices.dtype)
        return xp.take(x, checked, axis=axis)

    return take
