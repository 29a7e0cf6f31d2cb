"""Which adapter an array belongs to: by its type, remembered after the first look."""

from __future__ import annotations

import sys
from typing import Any

from xad.backend.adapter import Adapter
from xad.backend.array_api_strict_adapter import StrictAdapter
from xad.backend.cupy_adapter import CupyAdapter
from xad.backend.dask_adapter import DaskAdapter
from xad.backend.jax_adapter import JaxAdapter
from xad.backend.numpy_adapter import NumpyAdapter
from xad.backend.torch_adapter import TorchAdapter
from xad.errors import BackendError, LibraryMismatchError

__all__ = ["adapter_for", "adapter_named", "adapter_of", "known_backends"]

_known: dict[str, Adapter] = {
    adapter.name: adapter
    for adapter in (
        NumpyAdapter(),
        CupyAdapter(),
        TorchAdapter(),
        JaxAdapter(),
        DaskAdapter(),
        StrictAdapter(),
    )
}
_others: dict[str, Adapter] = {}
_by_type: dict[type, Adapter] = {}


def known_backends() -> tuple[str, ...]:
    """The names that `adapter_named` takes."""
    return tuple(_known)


def adapter_named(name: str) -> Adapter:
    """The adapter of a library, whether or not the library is installed.

    `BackendError` for a name that is not in `known_backends`.
    """
    try:
        return _known[name]
    except KeyError:
        raise BackendError(
            f"unknown backend {name!r}: expected one of {', '.join(_known)}"
        ) from None


def adapter_of(array: Any, /) -> Adapter:
    """The adapter of the library that ``array`` belongs to.

    `LibraryMismatchError`, a `TypeError`, for what is no array.
    """
    known = _by_type.get(type(array))
    if known is not None:
        return known
    adapter = adapter_for(type(array))
    if adapter is None:
        raise LibraryMismatchError(
            f"expected an array (NumPy, CuPy, torch or any other with __array_namespace__), got "
            f"{type(array).__name__}. Turn lists and numbers into arrays with xad.asarray."
        )
    if adapter.name not in _known:
        adapter.bind_namespace(array.__array_namespace__())
    return adapter


def adapter_for(array_type: type, /) -> Adapter | None:
    """The adapter for arrays of a type; None when it is no array type, or one of xad's own."""
    known = _by_type.get(array_type)
    if known is not None:
        return known
    if getattr(array_type, "_xad_wrapper", False):
        return None
    adapter = _look_up(array_type)
    if adapter is not None:
        _by_type[array_type] = adapter
    return adapter


def _look_up(array_type: type) -> Adapter | None:
    for known in _known.values():
        types = known.array_types()
        if types and issubclass(array_type, types):
            return known
    if not hasattr(array_type, "__array_namespace__"):
        return None
    # An unknown library whose arrays conform: the base class is all that it needs.
    root = array_type.__module__.partition(".")[0]
    adapter = _others.get(root)
    if adapter is None:
        adapter = _others[root] = Adapter(root)
        _bind_standard_module(adapter, array_type.__module__)
    return adapter


def _bind_standard_module(adapter: Adapter, path: str) -> None:
    """Bind the outermost module on ``path`` that looks like the standard's namespace, if any."""
    parts = path.split(".")
    for end in range(1, len(parts) + 1):
        module = sys.modules.get(".".join(parts[:end]))
        if hasattr(module, "__array_namespace_info__"):
            adapter.bind_namespace(module)
            return
