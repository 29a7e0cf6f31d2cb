"""PyTorch, as an array library: its autograd is left alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from xad.backend.adapter import Adapter
from xad.backend.keys import Key, is_index_array, leading_indices
from xad.errors import BackendError

__all__ = ["TorchAdapter"]

# Where torch.special spells SciPy's name differently.
_SPECIAL_NAMES = {
    "j0": "bessel_j0",
    "j1": "bessel_j1",
    "y0": "bessel_y0",
    "y1": "bessel_y1",
    "k0": "modified_bessel_k0",
    "k1": "modified_bessel_k1",
    "k0e": "scaled_modified_bessel_k0",
    "k1e": "scaled_modified_bessel_k1",
}


class TorchAdapter(Adapter):
    """PyTorch through array-api-compat."""

    def __init__(self) -> None:
        super().__init__(
            "torch", namespace_module="array_api_compat.torch", types=("torch:Tensor",)
        )

    @property
    def _torch(self) -> Any:
        return self._import("torch")

    def _special(self, name: str) -> Any:
        return getattr(self._torch.special, _SPECIAL_NAMES.get(name, name), None)

    def devices(self) -> list[Any]:
        """The host, then each accelerator."""
        # array-api-compat asks torch for every device type that it ever had, with warnings.
        torch = self._torch
        found = [torch.device("cpu")]
        if torch.cuda.is_available():
            found += [torch.device("cuda", i) for i in range(torch.cuda.device_count())]
        if torch.backends.mps.is_available():
            found.append(torch.device("mps", 0))
        return found

    def default_device(self) -> Any:
        """What ``torch.set_default_device`` has set, by default the host."""
        return self._with_index(self._torch.get_default_device())

    def _with_index(self, device: Any) -> Any:
        """torch's "cuda" is unequal to the "cuda:0" that its arrays report: name the index."""
        if device.index is not None or device.type not in ("cuda", "mps"):
            return device
        torch = self._torch
        usable = device.type == "cuda" and torch.cuda.is_available()
        return torch.device(device.type, torch.cuda.current_device() if usable else 0)

    def _canonical_device(self, spec: Any) -> Any:
        if spec in ("cuda", "mps"):
            return self._with_index(self._torch.device(spec))
        return self._with_index(spec) if isinstance(spec, self._torch.device) else spec

    def owned(self, array: Any, /) -> Any:
        """``array``, or a copy of a view."""
        return array.clone() if array._is_view() else array

    def synchronize(self, device: Any = None, /) -> None:
        """Wait for the GPU ``device``, or for all."""
        torch = self._torch
        for each in self.devices() if device is None else [device]:
            # A GPU that nobody has used has nothing queued, and asking would set it up.
            if each.type == "cuda" and torch.cuda.is_initialized():
                torch.cuda.synchronize(each)
            elif each.type == "mps":
                torch.mps.synchronize()

    def host_copy(self, array: Any, /) -> np.ndarray[Any, Any]:
        """A copy of the values, without torch's gradient."""
        plain = array.detach().cpu().resolve_conj().resolve_neg()
        try:
            view = plain.numpy()
        except TypeError as error:
            raise BackendError(
                f"NumPy has no data type for torch's {array.dtype}: cast the array first, for "
                "example to float32."
            ) from error
        return np.array(view, copy=True)

    def at_hand(self, array: Any, /) -> bool:
        """On the host."""
        return bool(array.device.type == "cpu")

    def from_host(self, host: np.ndarray[Any, Any], device: Any = None, dtype: Any = None) -> Any:
        """A tensor; on the host it may lie over the NumPy array's memory."""
        device = self.parse_device(device)
        # torch takes no negative strides and no foreign byte order, and warns of read-only memory.
        if not host.flags.writeable or any(stride < 0 for stride in host.strides):
            host = host.copy()
        if not host.dtype.isnative:
            host = host.astype(host.dtype.newbyteorder("="))
        return self._torch.as_tensor(host, dtype=dtype, device=device)

    def to_device(self, array: Any, device: Any, /) -> Any:
        """The tensor on another device."""
        return array.to(device)

    def put(self, array: Any, indices: Any, values: Any, /) -> Any:
        """As `Adapter.put`. Places that go to one element all write the same: they race."""
        out = array.clone(memory_format=self._torch.contiguous_format)
        if hasattr(values, "dtype"):
            values = values[self.last_uses(indices, array.shape[0])]
        out[indices] = values
        return out

    def last_uses(self, indices: Any, length: int, /) -> Any:
        """As `Adapter.last_uses`."""
        torch = self._torch
        places = torch.arange(indices.shape[0], device=indices.device)
        last = torch.zeros(length, dtype=places.dtype, device=indices.device)
        return last.scatter_reduce_(0, indices, places, "amax")[indices]

    def _accumulate(self, shape: tuple[int, ...], key: Key, values: Any) -> Any:
        torch = self._torch
        out = self._zeros(shape, values)
        lead = leading_indices(key)
        if lead is not None:
            # int64 always: torch reads uint8 as a mask.
            indices = tuple(
                torch.as_tensor(i if is_index_array(i) else int(i), device=values.device).to(
                    torch.int64
                )
                for i in lead
            )
            return out.index_put_(indices, values, accumulate=True)
        numbers = torch.arange(out.numel(), device=values.device).reshape(shape)[key]
        full = torch.broadcast_to(values, numbers.shape)
        out.view(-1).index_put_((numbers.reshape(-1),), full.reshape(-1), accumulate=True)
        return out
