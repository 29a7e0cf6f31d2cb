"""A CuPy without a GPU: NumPy arrays with a device, strict about which device is current.

It follows CuPy 14 where xad relies on it: operations run on the current device, `add.at` refuses
complex numbers and small integers, `array` takes `blocking`, errors carry a CUDA status.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from types import ModuleType

import numpy as np


class CUDARuntimeError(RuntimeError):
    def __init__(self, status):
        self.status = status
        super().__init__(f"cudaError{status}: as CUDA puts it")


def _wrong_device(array, current):
    return AssertionError(f"array of device {array.device.id} used while {current} is current")


def make_fake_cupy(*, devices=2, count_error=None, compute_error=None, product=None):
    """A module ``cupy`` with its ``cuda`` submodules, set up to work or to fail."""
    state = {"current": 0, "switches": 0, "syncs": []}

    class Device:
        def __init__(self, device=None):
            self.id = state["current"] if device is None else int(device)
            self._before = []

        def __int__(self):
            return self.id

        def __eq__(self, other):
            return isinstance(other, Device) and self.id == other.id

        __hash__ = None

        def __enter__(self):
            self._before.append(state["current"])
            state["switches"] += 1
            state["current"] = self.id
            return self

        def __exit__(self, *_):
            state["current"] = self._before.pop()

        def synchronize(self):
            state["syncs"].append(self.id)

    class ndarray:  # noqa: N801
        def __init__(self, values):
            self._values = values
            self.device = Device()

        shape = property(lambda self: self._values.shape)
        dtype = property(lambda self: self._values.dtype)
        flags = property(lambda self: self._values.flags)
        real = property(lambda self: ndarray(self._host.real.copy()))
        imag = property(lambda self: ndarray(self._host.imag.copy()))

        @property
        def _host(self):
            if self.device.id != state["current"]:
                raise _wrong_device(self, state["current"])
            return self._values

        @real.setter
        def real(self, value):
            self._host.real = value._host

        @imag.setter
        def imag(self, value):
            self._host.imag = value._host

        def __array__(self, dtype=None, copy=None):
            raise TypeError("Implicit conversion to a NumPy array is not allowed.")

        def __matmul__(self, other):
            if compute_error is not None:
                raise compute_error
            return ndarray(self._host @ other._host if product is None else product)

        def __add__(self, other):
            return ndarray(self._host + other._host)

        def __setitem__(self, key, value):
            self._host[_plain(key)] = value._host if isinstance(value, ndarray) else value

        def __getitem__(self, key):
            return ndarray(np.asarray(self._host[_plain(key)]))

        def sum(self):
            return ndarray(np.asarray(self._host.sum()))

        def astype(self, dtype):
            return ndarray(self._host.astype(dtype))

        def copy(self):
            return ndarray(self._host.copy())

        def get(self):
            return self._values.copy()

    def _plain(key):
        key = key if isinstance(key, tuple) else (key,)
        return tuple(k._host if isinstance(k, ndarray) else k for k in key)

    class add:  # noqa: N801
        @staticmethod
        def at(array, key, values):
            if array.dtype.name not in {
                "int32",
                "int64",
                "uint32",
                "uint64",
                "float16",
                "float32",
                "float64",
            }:
                raise TypeError("cupy.add.at only supports int32, ... as data type")
            np.add.at(array._host, _plain(key), values._host)

    class maximum:  # noqa: N801
        @staticmethod
        def at(array, key, values):
            if array.dtype.name not in {"int32", "uint32", "uint64", "float32", "float64"}:
                raise TypeError("cupy.maximum.at only supports int32, ... as data type")
            np.maximum.at(array._host, _plain(key), values._host)

    def get_device_count():
        if count_error is not None:
            raise count_error
        return devices

    def array(host, dtype=None, blocking=False):
        assert blocking, "the copy would still be running when this returns"
        return ndarray(np.array(host, dtype=dtype))

    def asarray(a, copy=None):
        if a.device == Device() and not copy:
            return a
        return ndarray(a._values.copy())

    cupy = ModuleType("cupy")
    cupy.__version__ = "14.2.0"
    cupy.ndarray, cupy.add, cupy.array, cupy.asarray = ndarray, add, array, asarray
    cupy.maximum = maximum
    cupy.arange = lambda n, dtype=None: ndarray(np.arange(n, dtype=dtype))
    cupy.ones = lambda shape: ndarray(np.ones(shape))
    cupy.zeros = lambda shape, dtype=float, device=None: ndarray(np.zeros(shape, dtype))
    cupy.negative = lambda x: ndarray(-x._host)
    cupy.concat = lambda arrays: ndarray(np.concat([a._host for a in arrays]))
    cupy.int64, cupy.uint64, cupy.float32, cupy.bool = np.int64, np.uint64, np.float32, np.bool
    cupy.cuda = ModuleType("cupy.cuda")
    cupy.cuda.Device = Device
    cupy.cuda.runtime = ModuleType("cupy.cuda.runtime")
    cupy.cuda.runtime.CUDARuntimeError = CUDARuntimeError
    cupy.cuda.runtime.getDeviceCount = get_device_count
    cupy.cuda.runtime.getDevice = lambda: state["current"]
    cupy.state = state
    return cupy


@contextmanager
def installed(cupy):
    """Put a fake module where ``import cupy`` finds it; None makes the import fail."""
    names = [n for n in sys.modules if n.partition(".")[0] in ("cupy", "cupyx")]
    before = {name: sys.modules.pop(name) for name in names}
    sys.modules["cupy"] = cupy
    try:
        yield cupy
    finally:
        del sys.modules["cupy"]
        sys.modules.update(before)
