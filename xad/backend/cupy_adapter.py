"""CuPy: NumPy's functions on NVIDIA GPUs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from types import SimpleNamespace
from typing import Any

import numpy as np

from xad.backend.adapter import Adapter
from xad.backend.keys import Key
from xad.backend.probe import INSTALL_LINES, Probe, ProbeState, describe
from xad.errors import BackendError

__all__ = ["CupyAdapter"]

# CUDA's error numbers that mean "no device for you" rather than "the toolkit is at fault":
# out of memory, driver missing or too old, busy, no device, invalid device, insufficient rights.
_DEVICE_STATUS = frozenset({2, 35, 46, 100, 101, 803})
_REMEDY = {
    "not-installed": f"{INSTALL_LINES['cupy']}.",
    "no-device": (
        "Check that nvidia-smi lists a free GPU and a driver for this CUDA version (CUDA 12 needs "
        "pip install cupy-cuda12x), or use XAD_BACKEND=numpy."
    ),
    "broken-toolkit": (
        'CUDA\'s libraries are missing or do not fit: pip install "cupy-cuda13x[ctk]" (with a '
        'CUDA 12 driver: "cupy-cuda12x[ctk]"), one of the two only; '
        'python -c "import cupy; cupy.show_config()" says more.'
    ),
}
_PROBE_TOTAL = 12.0  # four elements of 1*1 + 1*1 + 1
# What cupy.add.at adds atomically; others go through a wider type.
_ATOMIC = frozenset({"int32", "int64", "uint32", "uint64", "float16", "float32", "float64"})


def _is_function(value: Any) -> bool:
    return callable(value) and not isinstance(value, type)


class CupyAdapter(Adapter):
    """CuPy through array-api-compat.

    CuPy computes and allocates on the *current* device, wherever the operands are, so every
    kernel is run with its operands' device current.
    """

    shares_host_memory = False

    def __init__(self) -> None:
        super().__init__("cupy", namespace_module="array_api_compat.cupy", types=("cupy:ndarray",))

    @property
    def _cupy(self) -> Any:
        return self._import("cupy")

    # ---- the library ------------------------------------------------------------------------

    def _special(self, name: str) -> Any:
        return self._special_from("cupyx.scipy.special", name)

    @property
    def namespace(self) -> Any:
        """array-api-compat's functions; among several GPUs each runs on its operands'."""
        if not isinstance(self._namespace, SimpleNamespace):
            compat = self._namespace or self._import(self._namespace_module)
            run_there = self._on_operands_device
            self._namespace = SimpleNamespace(
                **{
                    name: run_there(value) if _is_function(value) else value
                    for name, value in vars(compat).items()
                }
            )
        return self._namespace

    def around_rules(self, array: Any, /) -> AbstractContextManager[Any]:
        """The array's device made current, for the operators that rules use."""
        device: AbstractContextManager[Any] = array.device
        return device

    def _find_kernel(self, name: str) -> Callable[..., Any]:
        return self._on_operands_device(super()._find_kernel(name))

    def _on_operands_device(self, function: Callable[..., Any]) -> Callable[..., Any]:
        cuda = self._cupy.cuda
        if _device_count(cuda) == 1:
            return function
        current = cuda.runtime.getDevice

        @wraps(function, updated=())
        def run(*args: Any, **kwargs: Any) -> Any:
            wanted = self._device_in(args, kwargs)
            if wanted is None or wanted == current():
                return function(*args, **kwargs)
            with cuda.Device(wanted):
                return function(*args, **kwargs)

        return run

    def _device_in(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int | None:
        """The number of the device that a call is about; None when it does not say."""
        device = kwargs.get("device")
        if device is not None:
            return int(device)
        array_type = self._cupy.ndarray
        for arg in args:
            for array in arg if isinstance(arg, (list, tuple)) else (arg,):
                if isinstance(array, array_type):
                    return int(array.device.id)
        return None

    def _find_out(self) -> Probe:
        # Any exception at all may come out of a broken installation: each becomes a finding.
        try:
            cupy = self._import_cupy()
        except ModuleNotFoundError as error:
            if error.name == "cupy":
                return self._finding("not-installed", "there is no module 'cupy'", None)
            return self._finding("broken-toolkit", describe(error), None)
        except Exception as error:  # noqa: BLE001
            return self._finding("broken-toolkit", describe(error), None)
        version = str(cupy.__version__)
        try:
            if cupy.cuda.runtime.getDeviceCount() < 1:
                return self._finding("no-device", "CUDA lists no GPU", version)
        except Exception as error:  # noqa: BLE001
            return self._finding("no-device", describe(error), version)
        try:
            # A product needs cuBLAS, the sum NVRTC: what is missing shows only on use.
            a = cupy.ones((2, 2))
            total = float((a @ a + a).sum().get())
        except Exception as error:  # noqa: BLE001
            state: ProbeState = "no-device" if _is_about_device(error) else "broken-toolkit"
            return self._finding(state, describe(error), version)
        if total != _PROBE_TOTAL:
            return self._finding("broken-toolkit", f"a 2x2 sum gave {total}, not 12", version)
        return Probe("ok", "", version)

    def _import_cupy(self) -> Any:
        # A plain statement: `_import` would hide which module is missing.
        import cupy

        return cupy

    def _finding(self, state: ProbeState, detail: str, version: str | None) -> Probe:
        return Probe(state, detail, version, _REMEDY[state])

    # ---- devices ----------------------------------------------------------------------------

    def devices(self) -> list[Any]:
        """One ``cupy.cuda.Device`` per GPU; `BackendError` with the probe's finding if none."""
        probe = self.probe()
        if not probe.ok:
            raise BackendError(f"CuPy cannot be used here ({probe.sentence()})")
        cuda = self._cupy.cuda
        return [cuda.Device(number) for number in range(cuda.runtime.getDeviceCount())]

    def default_device(self) -> Any:
        """CuPy's current device."""
        current = self._cupy.cuda.Device()
        return next(device for device in self.devices() if device == current)

    def device_name(self, device: Any, /) -> str:
        """``"cuda:0"``, ``"cuda:1"`` and so on."""
        return f"cuda:{int(device)}"

    def _canonical_device(self, spec: Any) -> Any:
        return self.device_name(self.default_device()) if spec == "cuda" else spec

    def _device_hint(self, spec: Any) -> str:
        if spec == "cpu":
            return " CuPy computes on GPUs only; for the host choose NumPy: XAD_BACKEND=numpy."
        return ""

    def synchronize(self, device: Any = None, /) -> None:
        """Wait for ``device``, or for every GPU."""
        for each in self.devices() if device is None else [device]:
            each.synchronize()

    # ---- arrays -----------------------------------------------------------------------------

    def host_copy(self, array: Any, /) -> np.ndarray[Any, Any]:
        """A copy; waits for the work queued on the array's device."""
        with array.device:
            return np.asarray(array.get())

    def from_host(self, host: np.ndarray[Any, Any], device: Any = None, dtype: Any = None) -> Any:
        """A copy on the GPU, complete when this returns."""
        with self.parse_device(device):
            # Unless told to block, CuPy reads the host's memory after this call has returned.
            return self._cupy.array(host, dtype=dtype, blocking=True)

    def to_device(self, array: Any, device: Any, /) -> Any:
        """The array itself, or a copy on another GPU."""
        with device:
            return self._cupy.asarray(array)

    def owned(self, array: Any, /) -> Any:
        """``array``, or a copy of a view."""
        return array if array.flags.owndata else array.copy()

    def scatter_add(self, shape: tuple[int, ...], key: Key, values: Any, /) -> Any:
        """As `Adapter.scatter_add`. The order of additions is not fixed: CuPy adds atomically."""
        with values.device:
            return super().scatter_add(shape, key, values)

    def _zeros(self, shape: tuple[int, ...], like: Any) -> Any:
        return self._cupy.zeros(shape, dtype=like.dtype)

    def exclusive(self, array: Any, /) -> bool:
        """Whether it is no view."""
        return bool(array.flags.owndata)

    def write(self, out: Any, key: Key, values: Any, /) -> Any:
        """``out`` with ``values`` written into it."""
        with out.device:
            out[key] = values
        return out

    def put(self, array: Any, indices: Any, values: Any, /) -> Any:
        """As `Adapter.put`. Places that go to one element all write the same: they race."""
        with array.device:
            out = array.copy()
            if hasattr(values, "dtype"):
                values = values[self.last_uses(indices, array.shape[0])]
            out[indices] = values
            return out

    def last_uses(self, indices: Any, length: int, /) -> Any:
        """As `Adapter.last_uses`."""
        cupy = self._cupy
        with indices.device:
            # CuPy finds maxima atomically among unsigned integers of this width only.
            places = cupy.arange(indices.shape[0], dtype=cupy.uint64)
            last = cupy.zeros(length, dtype=cupy.uint64)
            cupy.maximum.at(last, indices, places)
            return last[indices].astype(cupy.int64)

    def _accumulate(self, shape: tuple[int, ...], key: Key, values: Any) -> Any:
        cupy = self._cupy
        out = self._zeros(shape, values)
        if out.dtype.kind == "c":
            # CUDA adds no complex numbers atomically.
            out.real = self._accumulate(shape, key, values.real)
            out.imag = self._accumulate(shape, key, values.imag)
            return out
        if out.dtype.name not in _ATOMIC:
            wide = cupy.int64 if out.dtype.kind in "iub" else cupy.float32
            return self._accumulate(shape, key, values.astype(wide)).astype(out.dtype)
        cupy.add.at(out, key, values)
        return out


def _device_count(cuda: Any) -> int:
    try:
        return int(cuda.runtime.getDeviceCount())
    except cuda.runtime.CUDARuntimeError:
        return 0


def _is_about_device(error: Exception) -> bool:
    """True when the GPU is missing, busy or full rather than the toolkit broken."""
    return (
        getattr(error, "status", None) in _DEVICE_STATUS
        or type(error).__name__ == "OutOfMemoryError"
    )
