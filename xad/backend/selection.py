"""The library and device for arrays that are made from nothing.

Innermost first: a `use_backend` block, `set_backend`, the variables ``XAD_BACKEND`` and
``XAD_DEVICE``, NumPy. An array that exists keeps its own library whatever is selected.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from xad.backend.adapter import Adapter
from xad.backend.registry import adapter_named, known_backends
from xad.errors import BackendError

__all__ = ["Selection", "selected", "selected_by", "selected_in", "set_backend", "use_backend"]

_BACKEND_VARIABLE = "XAD_BACKEND"
_DEVICE_VARIABLE = "XAD_DEVICE"


@dataclass(frozen=True)
class Selection:
    """A library and one of its device objects."""

    adapter: Adapter
    device: Any


class _Process:
    """What holds for the whole process; each field is replaced, never changed in place."""

    chosen: Selection | None = None
    from_environment: tuple[str, str, Selection] | None = None
    warned: bool = False


_block: ContextVar[Selection | None] = ContextVar("xad_backend", default=None)


def selected() -> Selection:
    """The library and device that new arrays get now.

    `BackendError` when the environment asks for what cannot be had.
    """
    return _block.get() or _Process.chosen or _environment_selection()


def selected_in(adapter: Adapter) -> Selection:
    """What new arrays of this library get: the selection, or the library's default device."""
    choice = selected()
    return choice if choice.adapter is adapter else Selection(adapter, adapter.default_device())


def selected_by() -> str:
    """What decided `selected`, in words."""
    if _block.get() is not None:
        return "use_backend() in code"
    if _Process.chosen is not None:
        return "set_backend() in code"
    name, device = _read_environment()
    parts = [
        f"{variable}={value}"
        for variable, value in ((_BACKEND_VARIABLE, name), (_DEVICE_VARIABLE, device))
        if value
    ]
    return " and ".join(parts) or "default"


def set_backend(name: str, device: Any = None) -> None:
    """Make a library, and one of its devices, the default for the whole process.

    ``name`` is one of `known_backends` or ``"auto"``; ``device`` a name or a device object.
    `BackendError` when either cannot be had; the selection then stays as it was.
    """
    _Process.chosen = _resolve(name, device, f"set_backend({name!r})")


@contextmanager
def use_backend(name: str, device: Any = None) -> Iterator[Selection]:
    """Use a library, and one of its devices, within a ``with`` block of this thread or task.

    >>> import xad
    >>> with xad.use_backend("numpy") as here:
    ...     here.adapter.name
    'numpy'
    """
    token = _block.set(_resolve(name, device, f"use_backend({name!r})"))
    try:
        yield selected()
    finally:
        _block.reset(token)


def _read_environment() -> tuple[str, str]:
    get = os.environ.get
    return get(_BACKEND_VARIABLE, "").strip(), get(_DEVICE_VARIABLE, "").strip()


def _environment_selection() -> Selection:
    variables = name, device = _read_environment()
    known = _Process.from_environment
    if known is not None and known[:2] == variables:
        return known[2]
    asker = selected_by()
    if not name:
        name = "cupy" if _is_cuda(device) else "numpy"
    found = _resolve(name, device or None, asker)
    _Process.from_environment = (*variables, found)
    return found


def _resolve(name: str, device: Any, asker: str) -> Selection:
    if name == "auto":
        name = _automatic(device)
    try:
        adapter = adapter_named(name)
    except BackendError as error:
        allowed = ", ".join((*known_backends(), "auto"))
        raise BackendError(f"{asker}: unknown backend {name!r}, allowed are {allowed}") from error
    probe = adapter.probe() if name != "numpy" else None
    if probe is not None and not probe.ok:
        raise BackendError(f"{asker} asks for {name}, which cannot be had. {probe.sentence()}")
    try:
        return Selection(adapter, adapter.parse_device(device))
    except BackendError as error:
        raise BackendError(f"{asker}: {error}") from error


def _is_cuda(device: Any) -> bool:
    return isinstance(device, str) and device.partition(":")[0] == "cuda"


def _automatic(device: Any) -> str:
    """CuPy where it works, otherwise NumPy with one warning; a device that is named decides."""
    if device is not None:
        return "cupy" if _is_cuda(device) else "numpy"
    probe = adapter_named("cupy").probe()
    if probe.ok:
        return "cupy"
    if not _Process.warned:
        _Process.warned = True
        warnings.warn(
            f"backend 'auto' takes numpy because cupy cannot be had. {probe.sentence()}",
            UserWarning,
            stacklevel=2,
        )
    return "numpy"
