"""Which library and device new arrays get."""

from __future__ import annotations

import asyncio
import threading
import warnings
from contextlib import nullcontext

import numpy as np
import pytest
from fake_cupy import CUDARuntimeError

from xad.backend import (
    Adapter,
    adapter_named,
    parse_target,
    selected,
    selected_by,
    set_backend,
    use_backend,
)
from xad.backend import transfer as transfer_module
from xad.backend.transfer import transfer
from xad.errors import BackendError


def names():
    here = selected()
    return here.adapter.name, here.adapter.device_name(here.device)


STRICT = ("array_api_strict", "CPU_DEVICE")


# ---- environment --------------------------------------------------------------------------------


def test_numpy_by_default():
    assert names() == ("numpy", "cpu")
    assert selected_by() == "default"


def test_the_environment_is_read_again_when_it_changes(monkeypatch):
    monkeypatch.setenv("XAD_BACKEND", "array_api_strict")
    assert names() == STRICT
    monkeypatch.setenv("XAD_DEVICE", "device1")
    assert names() == ("array_api_strict", "device1")
    monkeypatch.delenv("XAD_BACKEND")
    monkeypatch.setenv("XAD_DEVICE", " cpu ")
    assert names() == ("numpy", "cpu")
    assert selected_by() == "XAD_DEVICE=cpu"


def test_the_environment_is_resolved_once(monkeypatch):
    monkeypatch.setenv("XAD_BACKEND", "array_api_strict")
    assert selected() is selected()


@pytest.mark.parametrize("value", ["tensorflow", "numpy:cpu", "NumPy"])
def test_bad_backend(monkeypatch, value):
    monkeypatch.setenv("XAD_BACKEND", value)
    expected = f"XAD_BACKEND={value}.*allowed are numpy, cupy, .*auto"
    with pytest.raises(BackendError, match=expected):
        selected()


def test_bad_device(monkeypatch):
    monkeypatch.setenv("XAD_BACKEND", "array_api_strict")
    monkeypatch.setenv("XAD_DEVICE", "device9")
    with pytest.raises(BackendError, match=r"XAD_DEVICE=device9: .*CPU_DEVICE, device1"):
        selected()


@pytest.mark.parametrize("variable", ["XAD_BACKEND=cupy", "XAD_DEVICE=cuda", "XAD_DEVICE=cuda:1"])
def test_cupy_that_cannot_be_had(monkeypatch, cupy_adapter, variable):
    cupy_adapter(absent=True)
    monkeypatch.setenv(*variable.split("="))
    with pytest.raises(BackendError) as caught:
        selected()
    for part in (variable, "not-installed", "pip install cupy-cuda13x", "cupy-cuda12x"):
        assert part in str(caught.value)


def test_cuda_alone_means_cupy(monkeypatch, cupy_adapter):
    cupy_adapter(devices=2)
    monkeypatch.setenv("XAD_DEVICE", "cuda:1")
    assert names() == ("cupy", "cuda:1")


# ---- auto ---------------------------------------------------------------------------------------


def test_auto_takes_cupy_where_it_works(monkeypatch, cupy_adapter):
    cupy_adapter()
    monkeypatch.setenv("XAD_BACKEND", "auto")
    assert names() == ("cupy", "cuda:0")


def test_auto_falls_back_with_one_warning(monkeypatch, cupy_adapter):
    cupy_adapter(count_error=CUDARuntimeError(35))
    monkeypatch.setenv("XAD_BACKEND", "auto")
    with pytest.warns(UserWarning, match="no-device: .*cudaError35") as caught:
        assert names() == ("numpy", "cpu")
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        monkeypatch.setenv("XAD_BACKEND", " auto ")
        assert names() == ("numpy", "cpu")
        with use_backend("auto") as here:
            assert here.adapter.name == "numpy"


def test_auto_with_a_device_does_not_fall_back(monkeypatch, cupy_adapter):
    cupy_adapter(absent=True)
    monkeypatch.setenv("XAD_BACKEND", "auto")
    monkeypatch.setenv("XAD_DEVICE", "cpu")
    assert names() == ("numpy", "cpu")
    monkeypatch.setenv("XAD_DEVICE", "cuda")
    with pytest.raises(BackendError, match="not-installed"):
        selected()


# ---- code ---------------------------------------------------------------------------------------


def test_code_beats_the_environment(monkeypatch):
    monkeypatch.setenv("XAD_BACKEND", "nonsense")
    set_backend("array_api_strict", "device2")
    assert names() == ("array_api_strict", "device2")
    assert selected_by() == "set_backend() in code"
    with use_backend("numpy"):
        assert names() == ("numpy", "cpu")
        assert selected_by() == "use_backend() in code"
    assert names() == ("array_api_strict", "device2")


def test_a_failed_choice_changes_nothing():
    set_backend("array_api_strict")
    with pytest.raises(BackendError, match="unknown backend 'nonsense'"):
        set_backend("nonsense")
    with pytest.raises(BackendError, match="device9"), use_backend("array_api_strict", "device9"):
        pass
    assert names() == STRICT


def test_blocks_nest_and_are_left_by_errors():
    with use_backend("array_api_strict", "device1"):
        with pytest.raises(ZeroDivisionError), use_backend("numpy"):
            raise ZeroDivisionError
        assert names() == ("array_api_strict", "device1")
    assert names() == ("numpy", "cpu")


def test_device_objects_are_taken(strict):
    device = strict.parse_device("device2")
    with use_backend("array_api_strict", device) as here:
        assert here.adapter is strict
        assert here.device == device


def in_thread():
    seen = []
    thread = threading.Thread(target=lambda: seen.append(names()))
    thread.start()
    thread.join()
    return seen[0]


def test_blocks_are_the_threads_own_and_set_backend_is_everyones():
    with use_backend("array_api_strict", "device1"):
        assert in_thread() == ("numpy", "cpu")
    set_backend("array_api_strict")
    assert in_thread() == STRICT


def test_blocks_are_the_tasks_own():
    async def inside(ready, go):
        with use_backend("array_api_strict"):
            ready.set()
            await go.wait()
            return names()

    async def both():
        ready, go = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(inside(ready, go))
        await ready.wait()
        outside = names()
        go.set()
        return outside, await task

    assert asyncio.run(both()) == (("numpy", "cpu"), STRICT)


# ---- transfer and targets -----------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["bool", "int64", "float32", "float64", "complex128"])
@pytest.mark.parametrize("shape", [(), (2, 3)])
def test_round_the_libraries(torch_adapter, strict, dtype, shape):
    values = (np.arange(np.prod(shape, dtype=int)).reshape(shape) + 1).astype(dtype)
    numpy = adapter_named("numpy")
    array = values
    for target, device in (
        (torch_adapter, "cpu"),
        (strict, "device1"),
        (torch_adapter, None),
        (numpy, None),
        (strict, None),
        (numpy, "cpu"),
    ):
        array = transfer(array, target, device)
        assert isinstance(array, target.array_types())
        assert target.device_of(array) == target.parse_device(device)
    assert array.dtype == values.dtype
    assert array.shape == shape
    np.testing.assert_array_equal(array, values)


@pytest.mark.parametrize("name", ["array_api_strict", "torch"])
def test_libraries_do_not_share_memory(name, request):
    target = request.getfixturevalue("torch_adapter") if name == "torch" else adapter_named(name)
    values = np.zeros(3)
    there = transfer(values, target)
    values[...] = 5
    np.testing.assert_array_equal(target.host_copy(there), np.zeros(3))
    back = transfer(there, adapter_named("numpy"))
    back[...] = 7
    np.testing.assert_array_equal(target.host_copy(there), np.zeros(3))


def test_nothing_to_do_is_the_same_object(strict):
    array = strict.from_host(np.zeros(2))
    assert transfer(array, strict) is array
    assert transfer(array, strict, "device1") is not array


def test_numpy_scalars_become_arrays():
    assert type(transfer(np.float64(2), adapter_named("numpy"))) is np.ndarray


@pytest.mark.parametrize(
    ("spec", "source", "library", "device"),
    [
        ("cpu", "numpy", "numpy", "cpu"),
        ("cpu", "torch", "torch", "cpu"),
        ("cpu", "array_api_strict", "array_api_strict", "CPU_DEVICE"),
        ("device1", "array_api_strict", "array_api_strict", "device1"),
        ("torch", "numpy", "torch", "cpu"),
        ("torch:cpu", "array_api_strict", "torch", "cpu"),
        ("array_api_strict:no_x64", "torch", "array_api_strict", "no_x64"),
        ("numpy", "torch", "numpy", "cpu"),
    ],
)
def test_targets(spec, source, library, device, torch_adapter):
    target, native = parse_target(spec, adapter_named(source))
    assert target is adapter_named(library)
    assert target.device_name(native) == device


def test_device_objects_are_targets(strict):
    device = strict.parse_device("device1")
    assert parse_target(device, strict) == (strict, device)


@pytest.mark.parametrize("spec", ["nowhere", "numpy:cuda", "torch:nowhere"])
def test_unknown_targets(spec, torch_adapter):
    with pytest.raises(BackendError, match=r"has no device.*cpu"):
        parse_target(spec, adapter_named("numpy"))


def test_unknown_targets_list_the_libraries():
    with pytest.raises(BackendError, match=r"Other libraries: numpy, cupy, .*torch:cpu"):
        parse_target("nowhere", adapter_named("numpy"))


class Stub(Adapter):
    """A GPU library whose arrays remember how they came about."""

    def __init__(self, name, device):
        super().__init__(name)
        self.bind_namespace(self)
        self.native = device

    def devices(self):
        return [self.native]

    def default_device(self):
        return self.native

    def device_of(self, array):
        return array.device

    def from_dlpack(self, array):
        return GpuArray(self, self.native, (*array.path, "dlpack"))

    def host_copy(self, array):
        return np.zeros(1)

    def from_host(self, host, device=None, dtype=None):
        return GpuArray(self, device, ("host",))


class GpuArray:
    def __init__(self, adapter, device, path=()):
        self.adapter, self.device, self.path = adapter, device, path

    def _after(self, step):
        return GpuArray(self.adapter, self.device, (*self.path, step))

    def detach(self):
        return self._after("detach")

    def resolve_conj(self):
        return self._after("resolve_conj")

    def resolve_neg(self):
        return self._after("resolve_neg")

    def copy(self):
        return self._after("copy")

    def clone(self):
        return self._after("clone")


class Gpu(nullcontext):
    """A device that can be made current."""

    def __init__(self, name):
        super().__init__()
        self.name = name

    def __str__(self):
        return self.name


@pytest.mark.parametrize(
    ("names_", "devices", "path"),
    [
        (("cupy", "torch"), ("cuda:0", "cuda:0"), ("dlpack", "clone")),
        (
            ("torch", "cupy"),
            ("cuda:1", "cuda:1"),
            ("detach", "resolve_conj", "resolve_neg", "dlpack", "copy"),
        ),
        (("cupy", "torch"), ("cuda:0", "cuda:1"), ("host",)),
        (("cupy", "torch"), ("cuda:0", "cpu"), ("host",)),
        (("cupy", "jax"), ("cuda:0", "cuda:0"), ("host",)),
    ],
)
def test_gpu_libraries_copy_on_their_gpu(monkeypatch, names_, devices, path):
    source, target = (Stub(n, Gpu(d)) for n, d in zip(names_, devices, strict=True))
    monkeypatch.setattr(transfer_module, "adapter_of", lambda array: array.adapter)
    assert transfer(GpuArray(source, source.native), target).path == path


@pytest.mark.parametrize(
    ("listed", "outcome"),
    [("", pytest.skip.Exception), ("torch, nolib", pytest.fail.Exception)],
)
def test_required_libraries_fail_instead_of_skipping(monkeypatch, listed, outcome, require_library):
    monkeypatch.setenv("XAD_TEST_REQUIRE", listed)
    with pytest.raises(outcome, match="nolib"):
        require_library("nolib")
