"""What every adapter does, library by library."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from xad.backend import Adapter, adapter_for, adapter_named, adapter_of, known_backends
from xad.errors import BackendError, LibraryMismatchError

DTYPES = ("bool", "uint8", "int32", "int64", "float32", "float64", "complex64", "complex128")


# ---- registry -----------------------------------------------------------------------------------


def test_known_backends():
    assert known_backends() == ("numpy", "cupy", "torch", "jax", "dask", "array_api_strict")


def test_unknown_name_lists_the_known():
    with pytest.raises(BackendError, match=r"'numppy'.*numpy, cupy, torch"):
        adapter_named("numppy")


def test_arrays_find_their_adapter(adapter):
    array = adapter.namespace.zeros((2,))
    assert adapter_of(array) is adapter
    assert adapter_for(type(array)) is adapter
    assert issubclass(type(array), adapter.array_types())


@pytest.mark.parametrize("value", [np.float32(1), np.bool(True), np.zeros(2), np.ma.zeros(2)])
def test_numpy_scalars_and_subclasses_are_numpys(value):
    assert adapter_of(value) is adapter_named("numpy")


@pytest.mark.parametrize("value", [[1.0], 1.0, None, "x", (1,)])
def test_no_array(value):
    with pytest.raises(LibraryMismatchError, match=r"xad\.asarray"):
        adapter_of(value)
    assert adapter_for(type(value)) is None


def test_torch_parameters_are_tensors(torch_adapter):
    import torch

    assert adapter_of(torch.nn.Parameter(torch.zeros(2))) is torch_adapter


class Wrapper:
    _xad_wrapper = True

    def __array_namespace__(self, *, api_version=None):
        raise AssertionError("xad's wrappers are never asked")


def test_xads_own_arrays_belong_to_no_library():
    assert adapter_for(Wrapper) is None
    with pytest.raises(LibraryMismatchError, match="got Wrapper"):
        adapter_of(Wrapper())


class Foreign:
    """An array of a library that nobody has heard of, over array-api-strict's functions."""

    def __array_namespace__(self, *, api_version=None):
        return adapter_named("array_api_strict").namespace


def test_any_conforming_library_gets_the_base_adapter():
    found = adapter_of(Foreign())
    assert type(found) is Adapter
    assert found.name == Foreign.__module__.partition(".")[0]
    assert found.kernel("exp") is adapter_named("array_api_strict").namespace.exp
    assert adapter_of(Foreign()) is found


# ---- kernels ------------------------------------------------------------------------------------


def test_kernels_are_the_librarys_own(adapter):
    xp = adapter.namespace
    assert adapter.kernel("exp") is xp.exp
    assert adapter.kernel("linalg.inv") is xp.linalg.inv


@pytest.mark.parametrize(
    "name", ["nonsense", "linalg.nonsense", "nonsense.exp", "pi", "special.no"]
)
def test_missing_kernels(adapter, name):
    with pytest.raises(BackendError) as caught:
        adapter.kernel(name)
    assert adapter.name in str(caught.value)
    assert repr(name) in str(caught.value)
    assert 'x.to("numpy")' in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"), [("erf", 0.5204998778130465), ("j1", 0.2422684576748739)]
)
@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_special_functions(library, name, value, request):
    if library == "numpy":
        pytest.importorskip("scipy")
        adapter = adapter_named("numpy")
    else:
        adapter = request.getfixturevalue("torch_adapter")
    array = adapter.from_host(np.array([0.5]))
    got = adapter.host_copy(adapter.kernel(f"special.{name}")(array))
    np.testing.assert_allclose(got, [value], rtol=1e-12)


def test_special_functions_without_scipy(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.special", None)
    fresh = type(adapter_named("numpy"))()
    with pytest.raises(BackendError, match="pip install scipy"):
        fresh.kernel("special.erf")


# ---- devices ------------------------------------------------------------------------------------


def test_every_device_goes_by_its_name(adapter):
    assert adapter.devices()
    for device in adapter.devices():
        assert adapter.parse_device(adapter.device_name(device)) == device
        assert adapter.parse_device(device) == device
        array = adapter.from_host(np.zeros(2, np.float32), device)
        assert adapter.device_of(array) == device


def test_no_device_means_the_default(adapter):
    assert adapter.parse_device(None) == adapter.default_device()
    assert adapter.default_device() in adapter.devices()


def test_cpu_is_the_host_everywhere(adapter):
    native = adapter.parse_device("cpu")
    expected = "CPU_DEVICE" if adapter.name == "array_api_strict" else "cpu"
    assert adapter.device_name(native) == expected


def test_unknown_devices_list_the_known(adapter):
    name = "CPU_DEVICE, device1" if adapter.name == "array_api_strict" else "cpu"
    with pytest.raises(BackendError, match=f"{adapter.name} has no device 'tpu:7'.*{name}"):
        adapter.parse_device("tpu:7")


def test_numpy_has_no_gpu():
    with pytest.raises(BackendError, match="XAD_BACKEND=cupy"):
        adapter_named("numpy").parse_device("cuda")


def test_moving_within_a_library(strict):
    array = strict.from_host(np.arange(3.0))
    device = strict.parse_device("device1")
    moved = strict.to_device(array, device)
    assert strict.device_of(moved) == device
    np.testing.assert_array_equal(strict.host_copy(moved), np.arange(3.0))


@pytest.mark.parametrize("device", [None, "cpu"])
def test_synchronize_returns(adapter, device):
    assert adapter.synchronize(adapter.parse_device(device)) is None
    assert adapter.synchronize() is None


class FakeCuda:
    """torch.cuda with two GPUs, the second one current."""

    def __init__(self):
        self.synchronized = []

    is_available = is_initialized = staticmethod(lambda: True)
    device_count = staticmethod(lambda: 2)
    current_device = staticmethod(lambda: 1)

    def synchronize(self, device):
        self.synchronized.append(str(device))


def test_torch_gpus(torch_adapter, monkeypatch):
    import torch

    fake = FakeCuda()
    monkeypatch.setattr(torch, "cuda", fake)
    assert list(map(torch_adapter.device_name, torch_adapter.devices())) == [
        "cpu",
        "cuda:0",
        "cuda:1",
    ]
    assert torch_adapter.parse_device("cuda") == torch.device("cuda:1")
    assert torch_adapter.parse_device(torch.device("cuda")) == torch.device("cuda:1")
    assert torch_adapter.parse_device("cuda:0") == torch.device("cuda:0")
    with pytest.raises(BackendError, match="cuda:2"):
        torch_adapter.parse_device("cuda:2")
    torch_adapter.synchronize()
    assert fake.synchronized == ["cuda:0", "cuda:1"]


# ---- arrays -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (3,), (0, 2), (2, 3)])
def test_there_and_back(adapter, dtype, shape):
    values = (np.arange(np.prod(shape, dtype=int)).reshape(shape) * (1 + 1j)).real.astype(dtype)
    array = adapter.from_host(values)
    assert adapter_of(array) is adapter
    back = adapter.host_copy(array)
    assert type(back) is np.ndarray
    assert (back.dtype, back.shape) == (values.dtype, shape)
    np.testing.assert_array_equal(back, values)


def test_host_copies_are_copies(adapter):
    array = adapter.from_host(np.zeros(3, np.float32))
    adapter.host_copy(array)[...] = 5
    np.testing.assert_array_equal(adapter.host_copy(array), np.zeros(3))


@pytest.mark.parametrize("device", ["device1", "device2", "no_float64", "no_x64"])
@pytest.mark.parametrize("dtype", ["bool", "int32", "float32", "complex64"])
def test_host_copy_from_strict_devices(strict, device, dtype):
    values = np.array([[0, 1], [1, 0]]).astype(dtype)
    array = strict.from_host(values, device)
    assert strict.device_name(strict.device_of(array)) == device
    back = strict.host_copy(array)
    assert back.dtype == values.dtype
    np.testing.assert_array_equal(back, values)


def test_from_host_keeps_float64_where_the_default_is_float32(strict):
    array = strict.from_host(np.zeros(2), "device2")
    assert array.dtype == strict.namespace.float64


def test_from_host_casts_on_request(adapter):
    array = adapter.from_host(np.array([1, 2]), dtype=adapter.namespace.float32)
    assert array.dtype == adapter.namespace.float32


def odd_arrays():
    readonly = np.arange(4.0)
    readonly.flags.writeable = False
    return [
        np.arange(4.0)[::-1],
        readonly,
        np.broadcast_to(np.array(2.0), (3,)),
        np.arange(4.0).astype(">f8"),
        np.arange(6.0).reshape(2, 3).T,
    ]


@pytest.mark.parametrize(
    "values", odd_arrays(), ids=["reversed", "readonly", "0-stride", "big-endian", "F"]
)
def test_odd_host_arrays(torch_adapter, values):
    np.testing.assert_array_equal(torch_adapter.host_copy(torch_adapter.from_host(values)), values)


def test_torch_views_and_tracked_tensors(torch_adapter):
    import torch

    x = torch.tensor([1 + 2j, 3j], requires_grad=True)
    np.testing.assert_array_equal(torch_adapter.host_copy(x.conj()), [1 - 2j, -3j])
    np.testing.assert_array_equal(torch_adapter.host_copy(x.conj().imag), [-2, -3])
    with pytest.raises(BackendError, match="bfloat16"):
        torch_adapter.host_copy(torch.zeros(2, dtype=torch.bfloat16))


def test_whose_values_are_there(adapter):
    array = adapter.from_host(np.ones(2, np.float32))
    assert adapter.lazy(array) is (adapter.name == "dask")
    assert adapter.at_hand(array) is (adapter.name in ("numpy", "array_api_strict", "torch"))
    (done,) = adapter.computed([array])
    np.testing.assert_array_equal(adapter.host_copy(done), np.ones(2))


def test_rewrap():
    numpy = adapter_named("numpy")
    wrapped = numpy.rewrap(np.sum(np.ones(3, np.float32)))
    assert type(wrapped) is np.ndarray
    assert (wrapped.shape, wrapped.dtype) == ((), np.float32)


def test_rewrap_leaves_arrays_alone(adapter):
    array = adapter.namespace.zeros((2,))
    assert adapter.rewrap(array) is array


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("real floating", "float64"),
        ("complex floating", "complex128"),
        ("integral", "int64"),
        ("bool", "bool"),
    ],
)
def test_default_dtypes(kind, expected):
    for name in ("numpy", "array_api_strict"):
        adapter = adapter_named(name)
        assert adapter.default_dtype(kind) == getattr(adapter.namespace, expected)


def test_default_dtype_follows_the_device(strict):
    dtype = strict.default_dtype("real floating", strict.parse_device("device2"))
    assert dtype == strict.namespace.float32


# ---- imports ------------------------------------------------------------------------------------


def test_importing_the_floor_imports_no_library():
    code = (
        "import sys, xad.backend as b; b.selected(); b.adapter_of(__import__('numpy').zeros(1));"
        "bad = {'torch', 'cupy', 'jax', 'dask', 'scipy', 'array_api_strict', 'array_api_compat'};"
        "print(sorted(bad & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
