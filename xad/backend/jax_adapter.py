"""JAX: arrays that never change, computed by XLA."""

from __future__ import annotations

import sys
import warnings
from contextlib import suppress
from functools import wraps
from types import SimpleNamespace
from typing import Any

import numpy as np

from xad.backend.adapter import Adapter
from xad.backend.keys import Key
from xad.backend.probe import Probe, describe
from xad.errors import ConcreteValueError

__all__ = ["JaxAdapter"]

_REMEDY = (
    "Check JAX_PLATFORMS, or install JAX for your accelerator, for example "
    'pip install "jax[cuda13]".'
)


class JaxAdapter(Adapter):
    """JAX, whose own transformations are left alone: xad runs inside ``jax.jit`` too.

    JAX has 64-bit numbers only where the program asks for them. By default float64 becomes
    float32, which a warning says once; ``JAX_ENABLE_X64=1`` or
    ``jax.config.update("jax_enable_x64", True)`` keeps it.
    """

    mutable = False

    def __init__(self) -> None:
        super().__init__(
            "jax",
            namespace_module="jax.numpy",
            types=("jax:Array", "jax.core:Tracer"),
        )

    # ---- the library ------------------------------------------------------------------------

    @property
    def _jax(self) -> Any:
        return self._import("jax")

    @property
    def namespace(self) -> Any:
        """jax.numpy's functions; arrays of numbers are of a data type, as the standard says."""
        if not isinstance(self._namespace, SimpleNamespace):
            xp = self._import(self._namespace_module)
            strong = {name: self._strong(getattr(xp, name)) for name in ("asarray", "full")}
            arange = self._constant(xp.arange)
            self._namespace = SimpleNamespace(**{**vars(xp), **strong, "arange": arange})
        return self._namespace

    def _constant(self, create: Any) -> Any:
        """An array of values also inside ``jax.jit``: xad keeps some for the next call."""
        constant = self._jax.ensure_compile_time_eval

        @wraps(create)
        def run(*args: Any, **kwargs: Any) -> Any:
            with constant():
                return create(*args, **kwargs)

        return run

    def _strong(self, create: Any) -> Any:
        """JAX lets an array of a Python number give way to any other, as if it were the number."""
        cast = self._jax.lax.convert_element_type

        @wraps(create)
        def run(*args: Any, **kwargs: Any) -> Any:
            out = create(*args, **kwargs)
            return cast(out, out.dtype) if out.weak_type else out

        return run

    def _special(self, name: str) -> Any:
        return self._special_from("jax.scipy.special", name)

    def _find_out(self) -> Probe:
        found = super()._find_out()
        jax = sys.modules.get("jax")
        if found.ok or jax is None:
            return found
        try:
            jax.devices()
        except Exception as error:  # noqa: BLE001
            # Whatever JAX says of a platform that is not there, an AssertionError for one.
            return Probe("no-device", describe(error), jax.__version__, _REMEDY)
        return found

    def remark(self) -> str:
        """Whether 64-bit numbers are lost."""
        if self._has_wide_numbers():
            return ""
        return "float64 becomes float32; JAX_ENABLE_X64=1 keeps it"

    def _has_wide_numbers(self) -> bool:
        return bool(self._jax.config.jax_enable_x64)

    # ---- devices ----------------------------------------------------------------------------

    def devices(self) -> list[Any]:
        """This process's devices, then the host."""
        # JAX's own answer to the standard's question begins with None.
        jax = self._jax
        found = list(jax.local_devices())
        with suppress(RuntimeError):  # JAX_PLATFORMS may leave the host out.
            found += [device for device in jax.local_devices(backend="cpu") if device not in found]
        return found

    def default_device(self) -> Any:
        """What ``jax.default_device`` has set, by default JAX's first device."""
        chosen = self._jax.config.jax_default_device
        if chosen is None:
            return self._jax.local_devices()[0]
        return self._jax.local_devices(backend=chosen)[0] if isinstance(chosen, str) else chosen

    def device_name(self, device: Any, /) -> str:
        """``"cpu"`` for the host, ``"cuda:0"`` and so on for the others."""
        platform = getattr(device, "platform", None)
        if platform is None:  # the sharding of an array that lies on several
            return str(device)
        platform = {"gpu": "cuda"}.get(platform, platform)
        return platform if (platform, device.id) == ("cpu", 0) else f"{platform}:{device.id}"

    def device_of(self, array: Any, /) -> Any:
        """The device of ``array``, its sharding if it lies on several; in a jit the default."""
        try:
            return array.device
        except AttributeError:
            return self.default_device()

    def parse_device(self, spec: Any = None, /) -> Any:
        """As `Adapter.parse_device`; a sharding stands for its devices."""
        if spec is not None and isinstance(spec, self._jax.sharding.Sharding):
            return spec
        return super().parse_device(spec)

    def _canonical_device(self, spec: Any) -> Any:
        return {"cuda": "cuda:0", "gpu": "cuda:0", "cpu:0": "cpu"}.get(str(spec), spec)

    def synchronize(self, device: Any = None, /) -> None:
        """Wait for every array that is being computed, on ``device`` or anywhere."""
        for array in self._jax.live_arrays():
            if device is None or device in array.devices():
                array.block_until_ready()

    # ---- arrays -----------------------------------------------------------------------------

    def lazy(self, array: Any, /) -> bool:
        """Inside ``jax.jit``, where there are no values yet."""
        return isinstance(array, self._jax.core.Tracer)

    def host_copy(self, array: Any, /) -> np.ndarray[Any, Any]:
        """A copy; waits for the array. Errors: ConcreteValueError inside ``jax.jit``."""
        if self.lazy(array):
            raise ConcreteValueError(
                "expected an array whose values are known, got one that jax.jit (or another of "
                "JAX's transformations) stands in for: return it from there, and look at it then"
            )
        return np.array(array, copy=True)

    def from_host(self, host: np.ndarray[Any, Any], device: Any = None, dtype: Any = None) -> Any:
        """A copy on the device; a float64 array becomes float32, with a warning, if it must."""
        device = self.parse_device(device)
        if dtype is None and host.dtype.char in "dD" and not self._has_wide_numbers():
            warnings.warn(
                f"{host.dtype} becomes {'float32' if host.dtype.char == 'd' else 'complex64'}: "
                "JAX has 64-bit numbers only where the program asks for them. Set "
                "JAX_ENABLE_X64=1, or cast the array first and this warning is gone.",
                UserWarning,
                stacklevel=2,
            )
        return self.namespace.asarray(host, dtype=dtype, device=device)

    def to_device(self, array: Any, device: Any, /) -> Any:
        """The array on another device."""
        return self._jax.device_put(array, device)

    def assign(self, array: Any, key: Key, values: Any, /) -> Any:
        """As `Adapter.assign`."""
        return self.write(array, key, values)

    def write(self, out: Any, key: Key, values: Any, /) -> Any:
        """A copy of ``out`` with ``values`` at ``key``."""
        return out.at[key].set(values)

    def put(self, array: Any, indices: Any, values: Any, /) -> Any:
        """As `Adapter.put`. Places that go to one element all write the same: they race."""
        if hasattr(values, "dtype"):
            values = values[self.last_uses(indices, array.shape[0])]
        return array.at[indices].set(values)

    def last_uses(self, indices: Any, length: int, /) -> Any:
        """As `Adapter.last_uses`."""
        xp = self.namespace
        places = xp.arange(indices.shape[0])
        last = xp.zeros(length, dtype=places.dtype).at[indices].max(places)
        return last[indices]

    def _accumulate(self, shape: tuple[int, ...], key: Key, values: Any) -> Any:
        return self._zeros(shape, values).at[key].add(values)
