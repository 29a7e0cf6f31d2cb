"""Creation functions, on the selected backend and device unless told otherwise.

They exist once, as methods of `Creation`, which asks each time where new arrays go: the module's
functions ask the selection, the namespace of an array answers with the array's own library.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xad.backend.registry import adapter_for, adapter_of
from xad.backend.selection import Selection, selected
from xad.core.boxing import box
from xad.core.diagnosis import SCALARS
from xad.core.recorded_numbers import RecordedNumber, by_itself
from xad.core.wrapper import Wrapper, innermost
from xad.ops.arguments import Array, as_shape, operand
from xad.ops.data_type import astype, in_dtype, result_type
from xad.ops.dtypes import native_dtype
from xad.ops.joining import stack
from xad.ops.manipulation import broadcast_to, reshape
from xad.ops.python_values import (
    from_python,
    holds_wrappers,
    leaves_of,
    nothing_to_share,
    number,
)
from xad.ops.tracking import copied
from xad.ops.transfer import moved

__all__ = [
    "arange",
    "empty",
    "empty_like",
    "eye",
    "from_dlpack",
    "full",
    "full_like",
    "linspace",
    "ones",
    "ones_like",
    "zeros",
    "zeros_like",
]

Number = bool | int | float | complex


class Creation:
    """The creation functions, for the library and device that ``choose`` names at each call.

    In all of them ``dtype`` is a data type of the library, or its name ("float32"), by default
    the library's own choice; ``device`` is a device object or its name ("cpu", "cuda:1").
    They raise DTypeError and BackendError for what the library does not have.
    """

    def __init__(self, choose: Callable[[], Selection]) -> None:
        self._choose = choose

    def _place(self, name: str, dtype: Any, device: Any) -> tuple[Any, Any, Any]:
        """The raw namespace, and the library's own objects for dtype and device."""
        choice = self._choose()
        adapter = choice.adapter
        home = choice.device if device is None else adapter.parse_device(device)
        return adapter.namespace, native_dtype(name, dtype, adapter, home), home

    def arange(
        self,
        start: float,
        /,
        stop: float | None = None,
        step: float = 1,
        *,
        dtype: Any = None,
        device: Any = None,
    ) -> Array:
        """Evenly spaced numbers from ``start`` on, without ``stop``; from 0 if there is no stop.

        >>> import xad
        >>> xad.arange(3).shape
        (3,)

        Source: Array API standard 2025.12, creation functions.
        """
        xp, dtype, device = self._place("arange", dtype, device)
        bounds = [number("arange", x) for x in (start, stop, step) if x is not None]
        if stop is None:
            bounds.insert(0, 0)
        return box(xp.arange(*bounds, dtype=dtype, device=device))

    def asarray(
        self, obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None
    ) -> Array:
        """A tensor of a number, a nested list, or an array of any library.

        An array stays in its library, except NumPy's, which go to the library that new arrays get.
        A list may contain tensors; gradients flow through. ``copy``: False refuses to copy.

        Source: Array API standard 2025.12, creation functions.
        """
        if isinstance(obj, RecordedNumber):
            obj = by_itself(obj, self._choose())
        if isinstance(obj, Wrapper):
            out = in_dtype(obj, dtype)
            if device is not None:
                inner = innermost(out)
                out = moved(out, adapter_of(inner), adapter_of(inner).parse_device(device))
            same = innermost(out) is innermost(obj)
            if copy is False and not same:
                raise ValueError(
                    "xad.asarray: expected the tensor's own dtype and device with copy=False, got "
                    f"dtype={dtype!r} and device={device!r}, which take a copy"
                )
            return copied(out) if copy and same else out
        if holds_wrappers(obj):
            if copy is False:
                raise nothing_to_share(obj)
            return _stacked(obj, dtype, device)
        return box(self.plain_array(obj, dtype=dtype, device=device, copy=copy))

    def plain_array(
        self, obj: Any, dtype: Any = None, device: Any = None, copy: bool | None = None
    ) -> Any:
        """The plain array of a library for what holds no tensors."""
        choice = self._choose()
        target = choice.adapter
        source = adapter_for(type(obj))
        if source is None:
            return from_python(obj, *self._place("asarray", dtype, device), copy)
        obj = source.rewrap(obj)
        if source.name == "numpy" and target is not source:
            if copy is False:
                raise ValueError(
                    f"xad.asarray: expected an array of {target.name} with copy=False, got one of "
                    "NumPy, which must be copied there"
                )
            _, dtype, device = self._place("asarray", dtype, device)
            return target.from_host(np.array(obj) if copy else obj, device, dtype)
        dtype = native_dtype("asarray", dtype, source)
        if device is not None:
            device = source.parse_device(device)
            obj = obj if device == source.device_of(obj) else source.to_device(obj, device)
        if dtype is None and not copy:
            return obj
        return source.namespace.asarray(obj, dtype=dtype, copy=copy)

    def empty(
        self, shape: int | tuple[int, ...], *, dtype: Any = None, device: Any = None
    ) -> Array:
        """An array with no particular values.

        Source: Array API standard 2025.12, creation functions.
        """
        xp, dtype, device = self._place("empty", dtype, device)
        return box(xp.empty(as_shape("empty", shape), dtype=dtype, device=device))

    def eye(
        self,
        n_rows: int,
        n_cols: int | None = None,
        /,
        *,
        k: int = 0,
        dtype: Any = None,
        device: Any = None,
    ) -> Array:
        """A matrix with ones on the diagonal ``k`` (above the main one if positive), else zeros.

        Source: Array API standard 2025.12, creation functions.
        """
        xp, dtype, device = self._place("eye", dtype, device)
        return box(xp.eye(n_rows, n_cols, k=k, dtype=dtype, device=device))

    def full(
        self,
        shape: int | tuple[int, ...],
        fill_value: Number | Array,
        *,
        dtype: Any = None,
        device: Any = None,
    ) -> Array:
        """An array with the same value everywhere.

        ``fill_value``: a number, or an array of one element, through which gradients flow.

        Source: Array API standard 2025.12, creation functions.
        """
        shape = as_shape("full", shape)
        if _is_array(fill_value):
            return _spread(fill_value, shape, dtype, device)
        xp, dtype, device = self._place("full", dtype, device)
        return box(xp.full(shape, fill_value, dtype=dtype, device=device))

    def linspace(
        self,
        start: complex | Array,
        stop: complex | Array,
        /,
        num: int,
        *,
        dtype: Any = None,
        device: Any = None,
        endpoint: bool = True,
    ) -> Array:
        """``num`` evenly spaced numbers from ``start`` to ``stop``, with or without ``stop``.

            y_i = start (1 - i/(num - 1)) + stop i/(num - 1)

        ``start``, ``stop``: numbers, or arrays of one element, through which gradients flow.

        Source: Array API standard 2025.12, creation functions.
        """
        fixed = not (_is_array(start) or _is_array(stop))
        like = operand("linspace", start if _is_array(start) else stop) if not fixed else None
        if like is not None and dtype is None:
            dtype = like.dtype
        if like is None:
            xp, dtype, device = self._place("linspace", dtype, device)
            return box(xp.linspace(start, stop, num, dtype=dtype, device=device, endpoint=endpoint))
        inner = innermost(like)
        adapter = adapter_of(inner)
        home = adapter.device_of(inner)
        steps = adapter.namespace.linspace(
            0.0, 1.0, num, dtype=like.dtype, device=home, endpoint=endpoint
        )
        line: Any = box(steps)
        out = (1 - line) * start + line * stop
        return astype(out, dtype, device=device)

    def ones(self, shape: int | tuple[int, ...], *, dtype: Any = None, device: Any = None) -> Array:
        """An array of ones.

        Source: Array API standard 2025.12, creation functions.
        """
        xp, dtype, device = self._place("ones", dtype, device)
        return box(xp.ones(as_shape("ones", shape), dtype=dtype, device=device))

    def zeros(
        self, shape: int | tuple[int, ...], *, dtype: Any = None, device: Any = None
    ) -> Array:
        """An array of zeros.

        >>> import xad
        >>> xad.zeros((2, 3), dtype="float32").dtype
        dtype('float32')

        Source: Array API standard 2025.12, creation functions.
        """
        xp, dtype, device = self._place("zeros", dtype, device)
        return box(xp.zeros(as_shape("zeros", shape), dtype=dtype, device=device))

    def from_dlpack(self, x: Any, /, *, device: Any = None, copy: bool | None = None) -> Array:
        """An array of the library over the memory of another library's, handed over by DLPack.

        ``x``: anything with ``__dlpack__``; a tensor must be without gradients.
        ``copy``: True copies always, False never (the library's error if it would take one).

        Source: Array API standard 2025.12, creation functions.
        """
        choice = self._choose()
        if not hasattr(x, "__dlpack__"):
            raise TypeError(
                f"xad.from_dlpack: expected an object with __dlpack__, got {type(x).__name__}"
            )
        options = {} if copy is None else {"copy": copy}
        adapter, inner = choice.adapter, innermost(x)
        if device is not None:
            options["device"] = adapter.parse_device(device)
        elif adapter_for(type(inner)) is adapter:
            # The array stays where it is; array-api-strict would take it to its default device.
            home = adapter.device_of(inner)
            options |= {} if home == adapter.default_device() else {"device": home}
        return box(choice.adapter.namespace.from_dlpack(x, **options))


def empty_like(x: Array, /, *, dtype: Any = None, device: Any = None) -> Array:
    """An array with no particular values, like ``x`` in shape, dtype, device and library.

    Source: Array API standard 2025.12, creation functions.
    """
    return _like("empty", x, dtype, device)


def full_like(
    x: Array, /, fill_value: Number | Array, *, dtype: Any = None, device: Any = None
) -> Array:
    """An array with the same value everywhere, like ``x`` in shape, dtype, device and library.

    ``fill_value``: a number, or an array of one element, through which gradients flow.

    Source: Array API standard 2025.12, creation functions.
    """
    if _is_array(fill_value):
        _, _, dtype, device = _beside("full_like", x, dtype, device)
        return _spread(fill_value, tuple(x.shape), dtype, device)
    return _like("full", x, dtype, device, fill_value)


def ones_like(x: Array, /, *, dtype: Any = None, device: Any = None) -> Array:
    """An array of ones, like ``x`` in shape, dtype, device and library.

    Source: Array API standard 2025.12, creation functions.
    """
    return _like("ones", x, dtype, device)


def zeros_like(x: Array, /, *, dtype: Any = None, device: Any = None) -> Array:
    """An array of zeros, like ``x`` in shape, dtype, device and library.

    Source: Array API standard 2025.12, creation functions.
    """
    return _like("zeros", x, dtype, device)


def _like(kind: str, x: Any, dtype: Any, device: Any, *value: Number) -> Array:
    """By the library's own function, which takes its layout in memory from ``x`` too."""
    inner, xp, dtype, device = _beside(f"{kind}_like", x, dtype, device)
    if inner.shape == x.shape:
        return box(getattr(xp, f"{kind}_like")(inner, *value, dtype=dtype, device=device))
    return box(getattr(xp, kind)(tuple(x.shape), *value, dtype=dtype, device=device))


def _beside(name: str, x: Any, dtype: Any, device: Any) -> tuple[Any, Any, Any, Any]:
    inner = innermost(operand(name, x))
    adapter = adapter_of(inner)
    home = adapter.device_of(inner) if device is None else adapter.parse_device(device)
    dtype = x.dtype if dtype is None else native_dtype(name, dtype, adapter, home)
    return inner, adapter.namespace, dtype, home


def _is_array(x: Any) -> bool:
    return isinstance(x, Wrapper) or adapter_for(type(x)) is not None


def _spread(value: Any, shape: tuple[int, ...], dtype: Any, device: Any) -> Array:
    value = operand("full", value)
    if value.ndim:
        value = reshape(value, ())
    value = astype(value, value.dtype if dtype is None else dtype, device=device)
    return broadcast_to(value, shape)


def _stacked(obj: Any, dtype: Any, device: Any) -> Array:
    """An array of nested lists that contain tensors, where these are; numbers do not promote."""
    leaves = [x.ask() if isinstance(x, RecordedNumber) else x for x in leaves_of(obj)]
    first = innermost(next(leaf for leaf in leaves if isinstance(leaf, Wrapper)))
    home = adapter_of(first)
    place = Selection(home, home.device_of(first) if device is None else home.parse_device(device))
    make = Creation(lambda: place).asarray
    found = [x if type(x) in SCALARS else make(x, device=device) for x in leaves]
    dtype = result_type(*found) if dtype is None else dtype
    made = iter([make(x, dtype=dtype) for x in found])

    def build(part: Any) -> Any:
        is_list = isinstance(part, (list, tuple))
        return stack([build(inside) for inside in part]) if is_list else next(made)

    return build(obj)


_selected = Creation(selected)
arange = _selected.arange
asarray = _selected.asarray
empty = _selected.empty
eye = _selected.eye
from_dlpack = _selected.from_dlpack
full = _selected.full
linspace = _selected.linspace
ones = _selected.ones
zeros = _selected.zeros
