"""array-api-strict: the standard and not a function more, with fake devices."""

from __future__ import annotations

from typing import Any

import numpy as np

from xad.backend.adapter import Adapter

__all__ = ["StrictAdapter"]

_HOST = "CPU_DEVICE"


class StrictAdapter(Adapter):
    """array-api-strict. Its ``"CPU_DEVICE"`` is also called ``"cpu"``."""

    def __init__(self) -> None:
        super().__init__("array_api_strict", types=("array_api_strict._array_object:Array",))

    def device_name(self, device: Any, /) -> str:
        """``"CPU_DEVICE"``, ``"device1"``, ``"no_float64"`` and so on."""
        # The name is shown only inside the repr: array_api_strict.Device('device1').
        return repr(device).partition("'")[2].partition("'")[0]

    def _canonical_device(self, spec: Any) -> Any:
        return _HOST if spec == "cpu" else spec

    def owned(self, array: Any, /) -> Any:
        """A copy: the standard does not tell what is a view."""
        return self.namespace.asarray(array, copy=True)

    def at_hand(self, array: Any, /) -> bool:
        """Always."""
        return True

    def host_copy(self, array: Any, /) -> np.ndarray[Any, Any]:
        """A copy, by way of the device that stands for the host."""
        return super().host_copy(array.to_device(self.parse_device(_HOST)))
