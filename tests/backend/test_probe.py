"""Probes, and CuPy's adapter over a fake CuPy."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from fake_cupy import CUDARuntimeError

from xad.backend import adapter_named, config_text, parse_target, show_config
from xad.backend.probe import Probe, describe
from xad.backend.transfer import transfer
from xad.errors import BackendError


def test_what_is_installed_is_ok(adapter):
    probe = adapter.probe()
    assert (probe.state, probe.detail, probe.remedy) == ("ok", "", "")
    assert probe.version == sys.modules[adapter.module.partition(".")[0]].__version__
    assert adapter.probe() is probe


def test_a_library_that_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "dask", None)
    probe = type(adapter_named("dask"))().probe()
    assert probe.state == "not-installed"
    assert "pip install" in probe.remedy


def test_a_library_that_breaks_on_import(tmp_path, monkeypatch):
    (tmp_path / "jax.py").write_text("raise OSError('libfoo.so.3: cannot open shared object')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "jax", raising=False)
    probe = type(adapter_named("jax"))().probe()
    assert probe.state == "broken-toolkit"
    assert "libfoo.so.3" in probe.detail
    assert probe.remedy.startswith("Reinstall") or "pip install" in probe.remedy


def test_describe_skips_the_frame():
    text = (
        "\n====\nCuPy is not correctly installed.\n\nOriginal error:\n  OSError: no libx.so\n====\n"
    )
    assert describe(ImportError(text)) == "ImportError: OSError: no libx.so"
    assert describe(ValueError()) == "ValueError"


# ---- CuPy's four states -------------------------------------------------------------------------


class DynamicLibNotFoundError(RuntimeError):
    """Named as CUDA's path finder names it."""


def test_cupy_ok(cupy_adapter):
    assert cupy_adapter().probe() == Probe("ok", "", "14.2.0")


def test_cupy_not_installed(cupy_adapter):
    probe = cupy_adapter(absent=True).probe()
    assert probe.state == "not-installed"
    assert "pip install cupy-cuda13x" in probe.remedy
    assert "cupy-cuda12x" in probe.remedy
    assert "xad-arrays[cupy-cuda13x]" in probe.remedy


@pytest.mark.parametrize(
    ("options", "detail"),
    [
        ({"count_error": CUDARuntimeError(35)}, "cudaError35"),
        ({"count_error": CUDARuntimeError(100)}, "cudaError100"),
        ({"devices": 0}, "no GPU"),
        ({"compute_error": CUDARuntimeError(46)}, "cudaError46"),
        ({"compute_error": CUDARuntimeError(2)}, "cudaError2"),
        ({"compute_error": type("OutOfMemoryError", (MemoryError,), {})("9 GB")}, "9 GB"),
    ],
)
def test_cupy_without_a_device(cupy_adapter, options, detail):
    probe = cupy_adapter(**options).probe()
    assert (probe.state, probe.version) == ("no-device", "14.2.0")
    assert detail in probe.detail
    assert "nvidia-smi" in probe.remedy


@pytest.mark.parametrize(
    "error",
    [
        DynamicLibNotFoundError("libcublas.so.13"),
        ImportError("libcublas.so.13"),
        RuntimeError("CuPy failed to load libcublas.so.13: OSError"),
        CUDARuntimeError(209),
    ],
)
def test_cupy_with_a_broken_toolkit(cupy_adapter, error):
    probe = cupy_adapter(compute_error=error).probe()
    assert probe.state == "broken-toolkit"
    assert str(error) in probe.detail
    assert "[ctk]" in probe.remedy


def test_cupy_that_computes_nonsense(cupy_adapter):
    probe = cupy_adapter(product=np.zeros((2, 2))).probe()
    assert (probe.state, probe.detail) == ("broken-toolkit", "a 2x2 sum gave 4.0, not 12")


def test_cupy_that_lacks_another_module(tmp_path, monkeypatch):
    (tmp_path / "cupy.py").write_text("import cupy_backends_gone")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    probe = type(adapter_named("cupy"))().probe()
    assert probe.state == "broken-toolkit"
    assert "cupy_backends_gone" in probe.detail


def test_devices_without_a_gpu_give_the_finding(cupy_adapter):
    adapter = cupy_adapter(count_error=CUDARuntimeError(35))
    with pytest.raises(BackendError, match=r"no-device: .*cudaError35"):
        adapter.parse_device("cuda")


# ---- CuPy's devices -----------------------------------------------------------------------------


def test_cupy_devices(cupy_adapter):
    adapter = cupy_adapter(devices=2)
    assert [adapter.device_name(device) for device in adapter.devices()] == ["cuda:0", "cuda:1"]
    assert adapter.device_name(adapter.parse_device("cuda:1")) == "cuda:1"
    with adapter.fake.cuda.Device(1):
        assert adapter.device_name(adapter.parse_device("cuda")) == "cuda:1"
        assert adapter.device_name(adapter.default_device()) == "cuda:1"
    with pytest.raises(BackendError, match=r"'cuda:2'.*cuda:0, cuda:1"):
        adapter.parse_device("cuda:2")
    with pytest.raises(BackendError, match="XAD_BACKEND=numpy"):
        adapter.parse_device("cpu")


def test_kernels_run_on_the_operands_device(cupy_adapter):
    adapter = cupy_adapter(devices=2)
    x = adapter.from_host(np.array([1.0, -2.0]), "cuda:1")
    y = adapter.kernel("negative")(x)
    assert (y.device.id, adapter.fake.state["current"]) == (1, 0)
    np.testing.assert_array_equal(adapter.host_copy(y), [-1.0, 2.0])
    z = adapter.kernel("concat")([x, y])
    assert z.device.id == 1
    w = adapter.kernel("zeros")((2,), device=adapter.parse_device("cuda:1"))
    assert w.device.id == 1


def test_rules_run_on_the_operands_device(cupy_adapter):
    """The namespace that rules are given, and the operators that they use."""
    adapter = cupy_adapter(devices=2)
    x = adapter.from_host(np.array([1.0, -2.0]), "cuda:1")
    assert adapter.namespace.negative(x).device.id == 1
    with pytest.raises(AssertionError, match="device 1 used while 0 is current"):
        x + x
    with adapter.around_rules(x):
        assert (x + x).device.id == 1
    assert adapter.fake.state["current"] == 0


def test_no_switch_on_the_current_device(cupy_adapter):
    adapter = cupy_adapter(devices=2)
    x = adapter.from_host(np.array([1.0]), "cuda:0")
    negative, before = adapter.kernel("negative"), adapter.fake.state["switches"]
    negative(x)
    assert adapter.fake.state["switches"] == before


def test_one_gpu_needs_no_wrapper(cupy_adapter):
    adapter = cupy_adapter(devices=1)
    assert adapter.kernel("negative") is adapter.fake.negative


def test_cupy_moves_and_waits(cupy_adapter):
    adapter = cupy_adapter(devices=2)
    x = adapter.from_host(np.array([1.0, 2.0]), "cuda:0")
    moved = adapter.to_device(x, adapter.parse_device("cuda:1"))
    assert moved.device.id == 1
    np.testing.assert_array_equal(adapter.host_copy(moved), [1.0, 2.0])
    adapter.synchronize()
    adapter.synchronize(adapter.parse_device("cuda:1"))
    assert adapter.fake.state["syncs"] == [0, 1, 1]


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128", "int8", "bool"])
def test_cupy_scatter_add(cupy_adapter, dtype):
    adapter = cupy_adapter(devices=2)
    values = (np.array([1, 0, 3]) * (1 - 2j if dtype.startswith("c") else 1)).astype(dtype)
    index = np.array([0, 2, 0])
    expected = np.zeros(4, dtype)
    np.add.at(expected, index, values)
    key = (adapter.from_host(index, "cuda:1"),)
    out = adapter.scatter_add((4,), key, adapter.from_host(values, "cuda:1"))
    assert out.device.id == 1
    assert out.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(adapter.host_copy(out), expected)


def test_cupy_scatter_add_of_slices_assigns(cupy_adapter):
    adapter = cupy_adapter(devices=2)
    values = adapter.from_host(np.array([1j, 2.0]), "cuda:1")
    out = adapter.scatter_add((2, 2), (slice(None), 1), values)
    np.testing.assert_array_equal(adapter.host_copy(out), [[0, 1j], [0, 2.0]])


# ---- targets with a GPU -------------------------------------------------------------------------


def test_cuda_from_numpy_is_cupy_and_cpu_is_the_way_back(cupy_adapter):
    cupy, numpy = cupy_adapter(devices=2), adapter_named("numpy")
    target, device = parse_target("cuda:1", numpy)
    assert target is cupy
    x = transfer(np.array([1.0, 2.0]), target, device)
    assert x.device.id == 1
    target, device = parse_target("cpu", cupy)
    assert (target, device) == (numpy, "cpu")
    np.testing.assert_array_equal(transfer(x, target, device), [1.0, 2.0])
    assert parse_target("cuda:1", cupy)[0] is cupy


def test_cuda_from_numpy_without_cupy(cupy_adapter):
    cupy_adapter(absent=True)
    for spec in ("cuda", "cupy"):
        with pytest.raises(BackendError, match="pip install cupy-cuda13x"):
            parse_target(spec, adapter_named("numpy"))


# ---- the report ---------------------------------------------------------------------------------


def test_report_with_and_without_a_gpu(cupy_adapter):
    cupy_adapter(devices=2)
    assert "14.2.0, ok: cuda:0, cuda:1" in config_text()
    cupy_adapter(count_error=CUDARuntimeError(35))
    text = config_text()
    assert "14.2.0, no-device" in text
    assert "cudaError35" in text
    assert "nvidia-smi" in text


def test_report_says_what_is_selected(capsys, monkeypatch):
    show_config()
    printed = capsys.readouterr().out
    assert "numpy on cpu (default)" in printed
    assert np.__version__ in printed
    monkeypatch.setenv("XAD_BACKEND", "array_api_strict")
    monkeypatch.setenv("XAD_DEVICE", "device1")
    expected = "array_api_strict on device1 (XAD_BACKEND=array_api_strict and XAD_DEVICE=device1)"
    assert expected in config_text()
    monkeypatch.setenv("XAD_BACKEND", "tf")
    assert "nothing: XAD_BACKEND=tf" in config_text()
