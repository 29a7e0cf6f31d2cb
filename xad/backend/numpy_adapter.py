"""NumPy."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import copysign, prod
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from xad.backend.adapter import Adapter
from xad.backend.keys import Key, leading_indices

__all__ = ["NumpyAdapter"]


def _reduction(ufunc: np.ufunc) -> Callable[..., Any]:
    """What np.sum, np.max and np.min come to in the end, without the way there."""
    reduce = ufunc.reduce

    def run(
        x: Any,
        /,
        *,
        axis: int | tuple[int, ...] | None = None,
        dtype: Any = None,
        keepdims: bool = False,
    ) -> Any:
        if x.ndim == 2 and axis in _LAST_OF_TWO and x.shape[1] <= SHORT and x.shape[0] >= MANY:
            if ufunc is np.add and x.dtype.char in "fd" and dtype in (None, x.dtype):
                out = x @ _ones(x.shape[1], x.dtype)  # by BLAS
                return out[:, None] if keepdims else out
            # NumPy reduces short rows one by one; down the columns it runs along memory.
            out = reduce(np.ascontiguousarray(x.T), axis=0, dtype=dtype)
            return out[:, None] if keepdims else out
        return reduce(x, axis=axis, dtype=dtype, keepdims=keepdims)

    return run


_LAST_OF_TWO = (1, -1, (1,), (-1,))
SHORT, MANY = 32, 64


_sum: Callable[..., Any] = np.add.reduce


def _mean(x: Any, /, *, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Any:
    if x.dtype.char not in "fdFD" or not x.size:
        return np.mean(x, axis=axis, keepdims=keepdims)
    total = _sum(x, axis=axis, keepdims=keepdims)
    return total / x.dtype.type(x.size // total.size)


def _broadcast_to(x: Any, /, shape: tuple[int, ...]) -> Any:
    # A view costs more to make than a few elements do to write.
    if prod(shape) > FEW or x.ndim:
        return np.broadcast_to(x, shape)
    out = np.empty(shape, dtype=x.dtype)
    out[...] = x
    return out


FEW = 4096


def _matmul(x1: Any, x2: Any, /) -> Any:
    if x1.shape[-1:] == (1,) and x1.ndim == x2.ndim == 2 and x2.shape[0] == 1:
        return np.dot(x1, x2)  # of a column by a row matmul makes a slow loop of its own
    return np.matmul(x1, x2)


DIRECT: dict[str, Callable[..., Any]] = {
    "broadcast_to": _broadcast_to,
    "matmul": _matmul,
    "matrix_transpose": lambda x: x.mT,
    "max": _reduction(np.maximum),
    "mean": _mean,
    "min": _reduction(np.minimum),
    "sum": _reduction(np.add),
}
"""Functions on the hot path whose wrappers take as long as they do on small arrays."""


@lru_cache(maxsize=8)
def _ones(count: int, dtype: Any) -> Any:
    return np.ones(count, dtype=dtype)


@lru_cache(maxsize=256)
def _number(value: float, kind: str) -> Any:
    made = np.asarray(value, dtype=kind)
    made.setflags(write=False)
    return made


class NumpyAdapter(Adapter):
    """NumPy: arrays and NumPy scalars, on the host."""

    multiplies_booleans = True
    takes_every_key = True

    def __init__(self) -> None:
        # array-api-compat's NumPy imports numpy.f2py and numpy.testing, which takes longer than
        # NumPy itself: like every namespace it waits for the first use.
        super().__init__("numpy", namespace_module="array_api_compat.numpy")

    def array_types(self) -> tuple[type, ...]:
        """Arrays, and the scalars that NumPy returns in place of 0-d arrays."""
        return (np.ndarray, np.generic)

    @property
    def namespace(self) -> Any:
        """array-api-compat's functions, and NumPy's own where the detour alone would cost."""
        if self._namespace is None or isinstance(self._namespace, ModuleType):
            compat = self._import(self._namespace_module)
            self._namespace = SimpleNamespace(**{**vars(compat), **DIRECT})
        return self._namespace

    def _special(self, name: str) -> Any:
        return self._special_from("scipy.special", name)

    def devices(self) -> list[Any]:
        """The host, under the standard's name for it."""
        return ["cpu"]

    def default_device(self) -> Any:
        """The host."""
        return "cpu"

    def _device_hint(self, spec: Any) -> str:
        if str(spec).partition(":")[0] in ("cuda", "gpu"):
            return " NumPy computes on the host; for a GPU choose CuPy: XAD_BACKEND=cupy."
        return ""

    def device_of(self, array: Any, /) -> Any:
        """The host."""
        return "cpu"

    def host_copy(self, array: Any, /) -> np.ndarray[Any, Any]:
        """A copy."""
        return np.array(array, copy=True)

    def at_hand(self, array: Any, /) -> bool:
        """Always."""
        return True

    def from_host(self, host: np.ndarray[Any, Any], device: Any = None, dtype: Any = None) -> Any:
        """The array itself, or a copy of another ``dtype``."""
        self.parse_device(device)
        return np.asarray(host, dtype=dtype)

    def to_device(self, array: Any, device: Any, /) -> Any:
        """The array itself: there is one device."""
        self.parse_device(device)
        return array

    def rewrap(self, value: Any, /) -> Any:
        """``value``, with a NumPy scalar made a 0-d array."""
        return np.asarray(value) if isinstance(value, np.generic) else value

    def owned(self, array: Any, /) -> Any:
        """``array``, or a copy of a view."""
        if isinstance(array, np.generic):
            return np.asarray(array)
        return array if array.base is None else array.copy()

    def column_sums(self, matrix: Any) -> Any:
        """The sum of the rows of a matrix, as a product, which takes a quarter of the time."""
        return _ones(matrix.shape[0], matrix.dtype).dot(matrix)

    def are_below(self, integers: Any, count: int) -> bool:
        """Whether all are from 0 to ``count - 1``; as unsigned numbers, negative ones are large."""
        if integers.dtype.kind == "i":
            integers = integers.view(f"u{integers.dtype.itemsize}")
        return bool(np.maximum.reduce(integers, axis=None) < count)

    def filled(self, shape: tuple[int, ...], value: complex, dtype: Any, device: Any) -> Any:
        """A new array full of ``value``, in a third of the time of np.full."""
        out = np.empty(shape, dtype=dtype)
        out.fill(value)
        return out

    def _zeros(self, shape: tuple[int, ...], like: Any) -> Any:
        return np.zeros(shape, dtype=like.dtype)

    def exclusive(self, array: Any, /) -> bool:
        """Whether it is an array proper, and over memory that it has allocated."""
        flags = array.flags
        return type(array) is np.ndarray and flags.owndata and flags.writeable

    def write(self, out: Any, key: Key, values: Any, /) -> Any:
        """``out`` with ``values`` written into it."""
        out[key] = values
        return out

    def assign(self, array: Any, key: Key, values: Any, /) -> Any:
        """As `Adapter.assign`."""
        out = np.array(array)
        out[key] = values
        return out

    def put(self, array: Any, indices: Any, values: Any, /) -> Any:
        """As `Adapter.put`: NumPy writes in order."""
        out = np.array(array)
        out[indices] = values
        return out

    def number(self, value: float, like: Any) -> Any:
        """An array without axes: to NumPy a Python number takes three times as long."""
        kind = like.dtype.char
        if kind not in "fd" or (not value and copysign(1, value) < 0):  # -0.0 is equal to 0.0
            return value
        return _number(value, kind)

    def last_uses(self, indices: Any, length: int, /) -> Any:
        """As `Adapter.last_uses`."""
        places = np.arange(indices.shape[0])
        last = np.empty(length, dtype=places.dtype)
        last[indices] = places
        return last[indices]

    def _accumulate(self, shape: tuple[int, ...], key: Key, values: Any) -> Any:
        out = self._zeros(shape, values)
        lead = leading_indices(key)
        if lead is None:
            np.add.at(out, key, values)
            return out
        # add.at is several times faster with one flat index than with rows or several arrays.
        axes = shape[: len(lead)]
        signed = np.broadcast_arrays(*(np.asarray(i, dtype=np.intp) for i in lead))
        target = np.ravel_multi_index(
            tuple(np.where(i < 0, i + n, i) for i, n in zip(signed, axes, strict=True)), axes
        )
        rest = prod(shape[len(lead) :])
        flat = (target.reshape(-1, 1) * rest + np.arange(rest)).reshape(-1)
        full = np.broadcast_to(values, target.shape + tuple(shape[len(lead) :]))
        np.add.at(out.reshape(-1), flat, full.reshape(-1))
        return out
