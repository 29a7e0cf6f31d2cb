"""JAX and Dask: selectable, not part of what xad promises."""

from __future__ import annotations

from typing import Any

from xad.backend.adapter import Adapter
from xad.backend.keys import Key

__all__ = ["DaskAdapter", "JaxAdapter"]


class JaxAdapter(Adapter):
    """JAX. Its arrays cannot be assigned to, so scatter-add is its own ``at``."""

    experimental = True

    def __init__(self) -> None:
        super().__init__(
            "jax",
            namespace_module="jax.numpy",
            types=("jax:Array", "jax.core:Tracer"),
        )

    def _special(self, name: str) -> Any:
        return self._special_from("jax.scipy.special", name)

    def devices(self) -> list[Any]:
        """JAX's default devices, then the host."""
        # JAX's own answer to the standard's question begins with None.
        jax = self._import("jax")
        devices = list(jax.devices())
        return devices + [device for device in jax.devices("cpu") if device not in devices]

    def default_device(self) -> Any:
        """JAX's first device."""
        return self.devices()[0]

    def device_name(self, device: Any, /) -> str:
        """``"cpu"`` for the host, ``"cuda:0"`` and so on for the others."""
        platform = {"gpu": "cuda"}.get(device.platform, device.platform)
        return platform if (platform, device.id) == ("cpu", 0) else f"{platform}:{device.id}"

    def _canonical_device(self, spec: Any) -> Any:
        return "cuda:0" if spec == "cuda" else spec

    def to_device(self, array: Any, device: Any, /) -> Any:
        """The array on another device."""
        return self._import("jax").device_put(array, device)

    def _assign(self, out: Any, key: Key, values: Any) -> Any:
        return out.at[key].set(values)

    def _accumulate(self, shape: tuple[int, ...], key: Key, values: Any) -> Any:
        return self._zeros(shape, values).at[key].add(values)


class DaskAdapter(Adapter):
    """Dask arrays over NumPy blocks, through array-api-compat."""

    experimental = True

    def __init__(self) -> None:
        super().__init__(
            "dask",
            module="dask.array",
            namespace_module="array_api_compat.dask.array",
            types=("dask.array:Array",),
        )

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
