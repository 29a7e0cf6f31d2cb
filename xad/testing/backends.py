"""Where to run a test: a library, one of its devices, and the precision that it has there."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from xad.backend import Adapter, adapter_named, adapter_of, selected
from xad.core.wrapper import innermost

__all__ = ["Place", "place", "places", "selected_place", "to_host"]

HostArray = npt.NDArray[Any]

NARROWER = {"float64": "float32", "complex128": "complex64", "int64": "int32", "uint64": "uint32"}


@dataclass(frozen=True)
class Place:
    """A library and one of its devices.

    >>> import numpy as np, xad.testing
    >>> here = xad.testing.place("numpy")
    >>> here.precision
    'float64'
    >>> here.to_host(xad.sin(here.array(np.zeros(2))))
    array([0., 0.])
    """

    adapter: Adapter
    device: Any

    def __str__(self) -> str:
        return f"{self.adapter.name}-{self.adapter.device_name(self.device)}".replace(":", "")

    @property
    def xp(self) -> Any:
        """The library's own namespace."""
        return self.adapter.namespace

    @property
    def precision(self) -> str:
        """The widest real floating data type that the device has: "float64" or "float32"."""
        return self.dtype_name("float64")

    @property
    def tolerance(self) -> float:
        """The relative error that rounding may cause in a short computation."""
        return 1e-10 if self.precision == "float64" else 2e-4

    def dtype_name(self, name: str) -> str:
        """``name``, or the next narrower data type if the device has none of that name."""
        device = self.adapter.device_name(self.device)
        return name if _has(self.adapter, device, name) else NARROWER.get(name, name)

    def array(self, values: Any, dtype: str | None = None) -> Any:
        """An array here with the values of a NumPy array, a number or a list of numbers.

        It is of the same data type, or ``dtype`` by name, narrowed where the device has none.
        """
        host = np.asarray(values, dtype=dtype)
        host = np.array(host, dtype=self.dtype_name(host.dtype.name), order="C", copy=True)
        return self.adapter.from_host(host, self.device)

    def to_host(self, x: Any) -> HostArray:
        """A NumPy array with the values of an array, or of a tensor without its graph."""
        return to_host(x)


@cache
def _has(adapter: Adapter, device: str, name: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # JAX's: it narrows what it has not.
            made = adapter.from_host(np.zeros(1, dtype=name), adapter.parse_device(device))
    except (ValueError, TypeError, RuntimeError):
        return False
    return str(made.dtype).rpartition(".")[2] == name


def to_host(x: Any) -> HostArray:
    """A NumPy array with the values of an array of any library, or of a tensor."""
    inner = innermost(x)
    return adapter_of(inner).host_copy(inner)


def place(name: str, device: Any = None) -> Place:
    """The place that names a library and a device (by default the library's own default).

    Errors: BackendError if it cannot be had.
    """
    adapter = adapter_named(name)
    return Place(adapter, adapter.parse_device(device))


def selected_place() -> Place:
    """The library and device that are selected now, as by ``XAD_BACKEND`` and ``XAD_DEVICE``.

    Errors: BackendError if the environment asks for what cannot be had.
    """
    choice = selected()
    return Place(choice.adapter, choice.device)


def places(*others: Place) -> list[Place]:
    """The selected place and then ``others``, each once.

    >>> import xad.testing
    >>> [str(here) for here in xad.testing.places(xad.testing.place("numpy"))]
    ['numpy-cpu']
    """
    found: list[Place] = []
    for here in (selected_place(), *others):
        if all(str(here) != str(known) for known in found):
            found.append(here)
    return found
