"""Fixtures for every test: the library and device that XAD_BACKEND and XAD_DEVICE select."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from importlib.util import find_spec

import numpy as np
import pytest

# Read when JAX and Dask are imported: 64-bit numbers, and no threads beside those of the tests.
os.environ.setdefault("JAX_ENABLE_X64", "1")
os.environ.setdefault("DASK_SCHEDULER", "synchronous")

import xad
from xad.backend import locks
from xad.errors import BackendError
from xad.testing import place, selected_place

# CuPy's devices have no hash: here xad may not rely on array-api-strict's either.
with suppress(ImportError):
    import array_api_strict

    def _hash_for_strict_alone(self, original=array_api_strict.Device.__hash__):
        caller = sys._getframe(1).f_globals["__name__"]
        if caller.startswith("xad"):
            raise TypeError(f"{caller}: unhashable type: 'Device' (CuPy's has no hash)")
        return original(self)

    array_api_strict.Device.__hash__ = _hash_for_strict_alone


def require(name):
    """Skip when a library is missing, unless XAD_TEST_REQUIRE lists it: then fail."""
    if find_spec(name) is not None:
        return
    wanted = os.environ.get("XAD_TEST_REQUIRE", "").split(",")
    if name in [entry.strip() for entry in wanted]:
        pytest.fail(f"XAD_TEST_REQUIRE names {name}, which is not installed")
    pytest.skip(f"{name} is not installed")


@pytest.fixture
def require_library():
    """A function that skips, or fails where it must not, if a library is missing."""
    return require


def other_device():
    """array-api-strict's second device: where everything that leaves its device is noticed."""
    require("array_api_strict")
    return place("array_api_strict", "device1")


@pytest.hookimpl(hookwrapper=True)
def pytest_pyfunc_call(pyfuncitem):
    """Skip what the library under test lacks: strict has no special functions, Dask no masks."""
    outcome = yield
    error = outcome.excinfo
    if error is None or not issubclass(error[0], BackendError):
        return
    lacks = "has no function" in str(error[1]) or "has no known shape" in str(error[1])
    if lacks and not str(error[1]).startswith("numpy "):
        outcome.force_exception(pytest.skip.Exception(str(error[1])))


PLACES = {
    "selected": selected_place,
    "numpy-cpu": lambda: place("numpy"),
    "array_api_strict-device1": other_device,
}


def pytest_make_parametrize_id(val):
    """Functions by name: their addresses differ between the processes that share the tests."""
    return getattr(val, "__name__", None) if callable(val) else None


def pytest_generate_tests(metafunc):
    """Tests that ask for `everywhere` run on the places above, each once."""
    if "everywhere" in metafunc.fixturenames:
        names = list(PLACES)
        with suppress(BackendError):  # The test itself will fail with it.
            names = [name for name in names if name != str(selected_place())]
        metafunc.parametrize("everywhere", names, indirect=True)


@pytest.fixture
def everywhere(request):
    """The selected place, NumPy, and array-api-strict's second device."""
    return PLACES[request.param]()


@pytest.fixture
def strict_device():
    """array-api-strict's second device."""
    return other_device()


@pytest.fixture
def here():
    """The selected library and device, as a `xad.testing.Place`."""
    return selected_place()


@pytest.fixture
def backend(here):
    """The selected library's adapter."""
    return here.adapter


@pytest.fixture
def device(here):
    """The selected device, an object of the library."""
    return here.device


@pytest.fixture
def xp(here):
    """The selected library's namespace."""
    return here.xp


@pytest.fixture
def to_backend(here):
    """A function from a NumPy array to one of the selected library on the selected device.

    float64 becomes float32 where the device has no float64: see `xad.testing.Place`.
    """
    return here.array


@pytest.fixture
def to_host(here):
    """A function from an array or tensor to a NumPy array."""
    return here.to_host


@pytest.fixture
def many(here):
    """Operations in a row, more than Python recurses; each costs Dask as much as all before it."""
    return 1_500 if here.adapter.name == "dask" else 100_000


@pytest.fixture
def close(here):
    """Assert that an array has the values expected, to what the device's precision allows."""

    def check(got, expected, tolerance=None):
        bound = max(here.tolerance, tolerance or 0.0)
        np.testing.assert_allclose(here.to_host(got), expected, rtol=bound, atol=bound)

    return check


@pytest.fixture
def nothing_stays_locked():
    """The tests are about NumPy. After each nothing is locked, and nothing waits."""
    with xad.use_backend("numpy"):
        yield
    gc.collect()
    locks.settle()
    assert not locks._holders
    assert not locks._waiting
    assert not locks._notes
    assert not locks.SHARES
