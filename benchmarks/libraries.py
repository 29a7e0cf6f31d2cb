"""The libraries that take part, how arrays get into them, and what machine this is."""

from __future__ import annotations

import importlib
import os
import platform
import re
import sys
from collections.abc import Callable
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

import xad

OPTIONAL = {
    "autograd": "autograd.numpy",
    "torch": "torch",
    "jax": "jax",
    "mygrad": "mygrad",
    "scipy": "scipy.special",
}
ON_GPU = {"scipy": "cupyx.scipy.special"}


class Libraries:
    """Every library, None where it is absent; ``backend`` says where the arrays live.

    ``special`` has the functions of scipy.special, for the arrays of ``xp``.
    """

    def __init__(self, backend: str, threads: int, *, quick: bool = False) -> None:
        self.backend = backend
        self.on_gpu = backend == "cupy"
        self.by_hand = "CuPy by hand" if self.on_gpu else "NumPy by hand"
        self.threads = threads
        self.quick = quick
        self.absent: dict[str, str] = {}
        self.xp = importlib.import_module("cupy") if self.on_gpu else np
        self.autograd = self._load("autograd")
        self.torch = self._load("torch")
        self.jax = self._load("jax")
        self.mygrad = self._load("mygrad")
        self.special = self._load("scipy")
        if self.torch:
            self._prepare_torch()
        if self.jax:
            self._prepare_jax()

    def _load(self, name: str) -> Any:
        if self.on_gpu and name in ("autograd", "mygrad"):
            self.absent[name] = "left out: NumPy arrays only"
            return None
        module = ON_GPU.get(name, OPTIONAL[name]) if self.on_gpu else OPTIONAL[name]
        try:
            return importlib.import_module(module)
        except ImportError as error:
            self.absent[name] = f"absent: {error}"
            return None

    def _prepare_torch(self) -> None:
        if self.on_gpu and not self.torch.cuda.is_available():
            self.absent["torch"] = "left out: this build has no GPU"
            self.torch = None
            return
        self.torch.set_num_threads(self.threads)

    def _prepare_jax(self) -> None:
        self.jax.config.update("jax_enable_x64", True)
        if not self.on_gpu:
            return
        # As CuPy and torch do by default: float32 is not rounded to tensor cores' short form.
        self.jax.config.update("jax_default_matmul_precision", "highest")
        if self.jax.default_backend() != "gpu":
            self.absent["jax"] = "left out: this build has no GPU"
            self.jax = None

    def compiled(self, f: Any) -> Any:
        """What torch.compile makes of a function; its first call compiles.

        Quick runs do without the machine code, which takes many seconds.
        """
        backend = "aot_eager" if self.quick else "inductor"
        return self.torch.compile(f, backend=backend, dynamic=False)

    @cached_property
    def torch_compiles(self) -> bool:
        """Whether torch.compile works here: it needs a C++ compiler, on a GPU Triton."""
        if not self.torch:
            return False
        try:
            self.compiled(self.torch.sin)(self.torch_array([1.0]))
        except (RuntimeError, ImportError, OSError) as error:
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            self.absent["torch.compile"] = f"left out: {reason}"
            return False
        return True

    def compile_remarks(self) -> list[str]:
        """Why torch.compile takes no part, if it does not."""
        if self.torch_compiles:
            return []
        reason = self.absent.get("torch.compile") or self.absent["torch"]
        return [f"torch.compile takes no part; {reason}"]

    def array(self, x: Any) -> Any:
        """A fresh array of the library under xad: NumPy or CuPy."""
        return self.xp.array(x)

    def torch_array(self, x: Any) -> Any:
        """A fresh tensor on the same kind of device."""
        return self.torch.tensor(x, device="cuda" if self.on_gpu else "cpu")

    def jax_array(self, x: Any) -> Any:
        """A JAX array on the same kind of device."""
        return self.jax.numpy.array(x)

    def waiter(self, library: str) -> Callable[[Any], Any] | None:
        """What a call must do before its result counts as there; None where it always is.

        JAX runs behind the caller's back on every device, CuPy and torch on the GPU.
        """
        if library == "jax":
            return self.jax.block_until_ready
        if not self.on_gpu:
            return None
        if library == "torch":
            return lambda result: self.torch.cuda.synchronize()
        return lambda result: self.xp.cuda.get_current_stream().synchronize()

    def host(self, x: Any) -> np.ndarray:
        """A NumPy array with the numbers of any library's array."""
        if hasattr(x, "detach"):
            x = x.detach()
        x = getattr(x, "value", x)
        if hasattr(x, "get"):
            x = x.get()
        if hasattr(x, "cpu"):
            x = x.cpu().numpy()
        return np.asarray(getattr(x, "data", x) if type(x).__module__.startswith("mygrad") else x)

    def versions(self) -> dict[str, str]:
        """Version of each library, or why it takes no part."""
        found = {"python": platform.python_version(), "numpy": np.__version__}
        found["xad"] = xad.__version__
        if self.on_gpu:
            found["cupy"] = self.xp.__version__
        for name in OPTIONAL:
            try:
                found[name] = self.absent.get(name) or version(name)
            except PackageNotFoundError:
                found[name] = "version unknown"
        if "torch.compile" in self.absent:
            found["torch.compile"] = self.absent["torch.compile"]
        return found

    def device(self) -> str:
        """The processor, or the GPU, by name."""
        if self.on_gpu:
            name = self.xp.cuda.runtime.getDeviceProperties(self.xp.cuda.Device().id)["name"]
            return name.decode() if isinstance(name, bytes) else str(name)
        return processor()

    def device_slug(self) -> str:
        """The device's name as part of a file's name."""
        return re.sub(r"[^a-z0-9]+", "-", self.device().lower()).strip("-")

    def machine(self) -> dict[str, Any]:
        """What a reader needs to compare the figures with their own."""
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
        return {
            "processor": processor(),
            "cores": os.cpu_count(),
            "system": f"{platform.system()} {platform.machine()}",
            "load": load,
        }

    def describe(self) -> list[str]:
        """A line for each fact."""
        lines = [f"{name}: {text}" for name, text in self.versions().items()]
        lines.append(f"device: {self.device()}, {os.cpu_count()} cores; threads: {self.threads}")
        return lines


def processor() -> str:
    """The processor's name, where the system tells it."""
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
