"""Between the host, where random numbers and data sets live, and arrays of the chosen library."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

import xad
from xad import tree
from xad.backend import Adapter, adapter_for, adapter_of, selected

HostArray = np.ndarray[Any, Any]


def generator(rng: int | np.random.Generator) -> np.random.Generator:
    """A generator of random numbers for a seed; a generator is passed through."""
    if isinstance(rng, np.random.Generator):
        return rng
    if isinstance(rng, (int, np.integer)) and not isinstance(rng, bool) and rng >= 0:
        return np.random.default_rng(int(rng))
    raise TypeError(
        f"expected rng to be a seed (an integer of 0 or more) or a numpy.random.Generator, got "
        f"{rng!r}; write rng=0"
    )


def place(host: HostArray, *, dtype: Any = None, device: Any = None) -> Any:
    """A tensor of the selected backend with the values of a NumPy array.

    ``dtype`` is a name such as ``"float32"`` or a data type; ``device`` the backend's own.
    """
    choice = selected()
    device = choice.device if device is None else choice.adapter.parse_device(device)
    if isinstance(dtype, (str, type, np.dtype)):
        host = host.astype(dtype)
        dtype = None
    return xad.asarray(choice.adapter.from_host(host, device, dtype))


def is_plain(x: Any) -> bool:
    """Whether ``x`` is an array of a library, not one of xad's."""
    return adapter_for(type(x)) is not None


def plain(x: Any) -> Any:
    """The library's array in a tensor that no graph leads to; anything else as it is.

    Arithmetic on it costs nothing extra, and an array inside a transformation still works.
    """
    if isinstance(x, xad.Tensor) and x.level == 0 and x.node is None:
        return x.value
    return x


def bottom(x: Any) -> Any:
    """The library's array under every tensor and transformation."""
    while not is_plain(x):
        x = x.value
    return x


def is_integral(x: Any) -> bool:
    """Whether this is an array of integers."""
    array = bottom(x)
    return _is_integral_dtype(adapter_of(array), array.dtype)


@cache
def _is_integral_dtype(adapter: Adapter, dtype: Any) -> bool:
    return bool(adapter.namespace.isdtype(dtype, "integral"))


def like(x: Any, original: Any) -> Any:
    """``x`` as a tensor if ``original`` is one; NumPy's scalars as arrays."""
    if not is_plain(x):
        return x
    x = adapter_of(x).rewrap(x)
    return xad.Tensor(x) if isinstance(original, xad.Tensor) else x


def to_host(x: Any) -> HostArray:
    """A NumPy array with the values of any array, wherever it lies."""
    array = plain(x)
    return adapter_of(array).host_copy(array)


def is_lazy(x: Any) -> bool:
    """Whether this is an array whose values are computed only when they are asked for."""
    if isinstance(x, (int, float)):
        return False
    array = bottom(x)
    return adapter_of(array).lazy(array)


def is_lazy_array(x: Any) -> bool:
    """Whether this is an array, and a lazy one."""
    return hasattr(x, "dtype") and is_lazy(x)


def computed(arrays: Any) -> Any:
    """A tree of arrays with the values of all that are lazy computed at once."""
    leaves, structure = tree.flatten(arrays)
    lazy = [i for i, x in enumerate(leaves) if is_lazy_array(x)]
    if lazy:
        plains = [bottom(leaves[i]) for i in lazy]
        for i, x in zip(lazy, adapter_of(plains[0]).computed(plains), strict=True):
            leaves[i] = like(x, leaves[i])
    return tree.unflatten(structure, leaves)


def number(x: Any) -> float:
    """The one number in an array, or a number itself. Waits for the device."""
    return float(x) if isinstance(x, (int, float)) else float(to_host(x))
