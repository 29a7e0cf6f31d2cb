"""Arrays to optimise programs of; and programs for CuPy on a device that is the host."""

import gc
import sys
from dataclasses import replace

import fake_device
import numpy as np
import pytest
from comparing import ODD
from fake_device import device, on_device
from host_kernels import needs_compiler

import xad
from xad.programs.cupy.source import compile_cupy


class Program:
    """A function of NumPy arrays as CuPy's program for it, with the listing for reference."""

    def __init__(self, adapter, f, *examples, donated=()):
        program = xad.make_program(f)(*examples)
        self.plain = program.listing
        constants = {v: on_device(x) for v, x in self.plain.constants.items()}
        listing = replace(self.plain, constants=constants, adapter=adapter)
        self.compiled = compile_cupy(listing, frozenset(donated))

    def __call__(self, *arrays):
        return self.compiled.run(list(arrays))

    def wanted(self, *arrays):
        with np.errstate(all="ignore"):
            return self.plain.run(arrays)

    def agrees(self, *arrays, calls=1):
        """Call it with copies on the device, as often as said, and compare."""
        for _ in range(calls):
            results = self(*map(on_device, arrays))
            for x, y in zip(results, self.wanted(*arrays), strict=True):
                np.testing.assert_allclose(x.get(), y, rtol=1e-12, atol=1e-12)
                assert x.dtype == y.dtype
                assert x.shape == y.shape


@pytest.fixture
def cupy_program(tmp_path, monkeypatch):
    """Make programs of functions, on a fresh device."""
    needs_compiler()
    gc.collect()
    device.reset()
    monkeypatch.setitem(sys.modules, "fake_cupy_module", fake_device.fake_cupy(tmp_path))
    adapter = fake_device.FakeAdapter("fake_cupy_module")
    return lambda f, *examples, donated=(): Program(adapter, f, *examples, donated=donated)


@pytest.fixture
def quiet():
    """NumPy warns of infinities and nan, as it should."""
    with np.errstate(all="ignore"):
        yield


@pytest.fixture
def odd(here):
    """Zeros of both signs, infinities, nan and others: (3, 4)."""
    return here.array(np.reshape(ODD, (3, 4)))


@pytest.fixture
def tame(here):
    """A matrix of which everything has a derivative: (3, 4)."""
    return here.array(np.linspace(0.25, 2.0, 12).reshape(3, 4))
