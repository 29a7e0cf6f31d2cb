"""Inspection: what the standard lets one ask about a namespace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xad.backend.selection import Selection, selected


class Inspection:
    """Answers about the library that ``choose`` names at each call, and about its devices.

    Where a device may be named, it is a device object or its name; by default the one on which
    new arrays are made. BackendError for a device that there is not.

    >>> import xad
    >>> info = xad.__array_namespace_info__()
    >>> info.default_device(), info.default_dtypes()["real floating"]
    ('cpu', dtype('float64'))

    Source: Array API standard 2025.12, inspection.
    """

    def __init__(self, choose: Callable[[], Selection]) -> None:
        self._choose = choose

    def _ask(self, device: Any) -> tuple[Any, Any]:
        """The library's own answers, and the device object that is meant."""
        choice = self._choose()
        place = choice.device if device is None else choice.adapter.parse_device(device)
        return choice.adapter.namespace.__array_namespace_info__(), place

    def capabilities(self) -> dict[str, Any]:
        """What the library can do: "boolean indexing", "data-dependent shapes", "max dimensions".

        Inside `vmap` and `make_program`, shapes never depend on data, whatever the library can.
        """
        info, _ = self._ask(None)
        return dict(info.capabilities())

    def default_device(self) -> Any:
        """The device on which new arrays are made."""
        return self._choose().device

    def devices(self) -> tuple[Any, ...]:
        """The library's devices that can be used now."""
        return tuple(self._choose().adapter.devices())

    def default_dtypes(self, *, device: Any = None) -> dict[str, Any]:
        """The data types of new arrays, by kind.

        The kinds are "real floating", "complex floating", "integral" and "indexing".
        """
        info, place = self._ask(device)
        return dict(info.default_dtypes(device=place))

    def dtypes(
        self, *, device: Any = None, kind: str | tuple[str, ...] | None = None
    ) -> dict[str, Any]:
        """The standard's data types that the device has, by name.

        ``kind``: only those of a kind ("integral", see `isdtype`), or of one of several.
        """
        info, place = self._ask(device)
        return dict(info.dtypes(device=place, kind=kind))


def __array_namespace_info__() -> Inspection:  # noqa: N807 - the standard's name
    """What can be asked about the selected backend's library, its devices and data types.

    >>> import xad
    >>> sorted(xad.__array_namespace_info__().dtypes(kind="real floating"))
    ['float32', 'float64']

    Source: Array API standard 2025.12, inspection.
    """
    return Inspection(selected)
