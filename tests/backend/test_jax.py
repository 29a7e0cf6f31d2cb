"""JAX: its own number widths, arrays that never change, and xad inside its transformations."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

import xad
from xad import nn
from xad.backend import adapter_of
from xad.errors import BackendError, ConcreteValueError
from xad.testing import check_grads, place

X = np.asarray([0.5, 1.0, 2.0])


@pytest.fixture(autouse=True)
def jax(require_library):
    require_library("jax")
    with xad.use_backend("jax"):
        yield pytest.importorskip("jax")


@pytest.fixture
def here():
    return place("jax")


def in_a_process(code, **environment):
    """What a program prints that starts with JAX as users have it."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("JAX_", "XAD_"))}
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code],
        capture_output=True,
        text=True,
        env={**clean, **environment},
        check=False,
    )
    assert not done.returncode, done.stderr
    return done.stdout.splitlines()


# ---- data types ---------------------------------------------------------------------------------


def test_the_tests_run_with_wide_numbers(here):
    assert here.precision == "float64"
    assert here.adapter.remark() == ""
    assert xad.asarray([1.0]).dtype == np.float64


def test_without_wide_numbers_a_warning_says_so():
    code = (
        "import warnings, numpy as np, xad\n"
        "from xad.backend import config_text\n"
        "from xad.testing import place\n"
        "with warnings.catch_warnings(record=True) as seen:\n"
        "    warnings.simplefilter('always')\n"
        "    with xad.use_backend('jax'):\n"
        "        x = xad.asarray(np.ones(2, np.float32)) * xad.asarray([1.0, 2.0]) * 2.0\n"
        "        here = place('jax')\n"
        "        print(x.dtype, here.precision, here.array(np.ones(2)).dtype, len(seen))\n"
        "        print(xad.asarray(np.ones(2)).dtype, len(seen), seen[0].message)\n"
        "        print(xad.grad(lambda x: xad.sum(x * x))(xad.asarray([3.0])).dtype)\n"
        "print(next(line for line in config_text().splitlines() if line.startswith('  jax ')))\n"
    )
    found = in_a_process(code, JAX_PLATFORMS="cpu")
    assert found[0] == "float32 float32 float32 0"
    assert found[1].startswith("float32 1 float64 becomes float32: JAX has 64-bit numbers only")
    assert "JAX_ENABLE_X64=1" in found[1]
    assert found[2] == "float32"
    assert "float64 becomes float32; JAX_ENABLE_X64=1 keeps it" in found[3]


def test_arrays_of_numbers_have_a_data_type_of_their_own():
    narrow = xad.asarray([1.0, 2.0], dtype="float32")
    assert (narrow * 1.5).dtype == np.float32
    assert (narrow * xad.asarray(1.5)).dtype == np.float64
    assert (narrow * xad.full((), 1.5)).dtype == np.float64


# ---- arrays -------------------------------------------------------------------------------------


def test_arrays_are_never_changed(here):
    raw = here.array(X)
    t = xad.asarray(raw)
    t[0] = 5.0
    np.testing.assert_array_equal(np.asarray(raw), X)
    np.testing.assert_array_equal(t.numpy(), [5.0, 1.0, 2.0])
    put = here.adapter.put(raw, here.array([1, 1]), here.array([7.0, 8.0]))
    np.testing.assert_array_equal(np.asarray(put), [0.5, 8.0, 2.0])


def test_gradients_of_elements_taken_twice_add_up(here):
    indices = here.array([0, 0, 1])
    gradient = xad.grad(lambda x: xad.sum(x[indices] * 2))(here.array(X))
    np.testing.assert_array_equal(np.asarray(gradient), [4.0, 2.0, 0.0])


def test_special_functions_are_jaxs_own(here, jax):
    kernel = here.adapter.kernel("special.erf")
    assert kernel is jax.scipy.special.erf
    check_grads(xad.special.erf, (here.array(X),))
    with pytest.raises(BackendError, match=r"jax has no function 'special\.j0'.*x\.to"):
        here.adapter.kernel("special.j0")


def test_gradients_come_back_from_jax_to_numpy():
    with xad.use_backend("numpy"):
        x = xad.asarray(X, requires_grad=True)
    y = xad.sum(x.to("jax") * 3)
    assert adapter_of(y.value).name == "jax"
    y.backward()
    assert type(x.grad.value) is np.ndarray
    np.testing.assert_array_equal(x.grad.numpy(), [3.0, 3.0, 3.0])


def test_weights_are_those_of_every_backend():
    on_jax = nn.init.glorot_uniform((3, 2), rng=0).numpy()
    with xad.use_backend("numpy"):
        np.testing.assert_array_equal(on_jax, nn.init.glorot_uniform((3, 2), rng=0).numpy())


def test_training_is_that_of_numpy():
    random = np.random.default_rng(0)
    data = (random.normal(size=(12, 4)).astype(np.float32), random.integers(0, 3, 12))
    losses = []
    for name in ("jax", "numpy"):
        with xad.use_backend(name):
            result = nn.fit(
                nn.mlp(4, 5, 3, rng=0),
                data,
                loss=nn.softmax_cross_entropy,
                optimizer=nn.Adam(1e-2),
                epochs=2,
                batch_size=6,
                progress=False,
            )
        losses.append(result.history["loss"])
    np.testing.assert_allclose(*losses, rtol=1e-5)


# ---- devices ------------------------------------------------------------------------------------


def test_devices_by_name(here, jax):
    adapter = here.adapter
    host = jax.devices("cpu")[0]
    assert adapter.parse_device("cpu") == adapter.parse_device("cpu:0") == host
    with jax.default_device(host):
        assert adapter.default_device() == host
    with jax.default_device("cpu"):
        assert adapter.default_device() == host
    with pytest.raises(BackendError, match=r"jax has no device 'tpu:9'; its devices: .*cpu"):
        adapter.parse_device("tpu:9")


def test_waiting(here, jax):
    running = here.xp.ones((50, 50)) @ here.xp.ones((50, 50))
    assert here.adapter.synchronize(here.device) is None
    assert running.is_ready()


def test_two_devices():
    code = (
        "import numpy as np, xad\n"
        "from xad.backend import adapter_named\n"
        "jax = adapter_named('jax')\n"
        "print([jax.device_name(d) for d in jax.devices()])\n"
        "x = xad.asarray(jax.from_host(np.ones(2, np.float32)), requires_grad=True)\n"
        "y = x.to_device('cpu:1')\n"
        "print(jax.device_name(x.device), jax.device_name(y.device))\n"
        "xad.sum(y * y).backward()\n"
        "print(jax.device_name(x.grad.device), x.grad.numpy())\n"
        "try:\n"
        "    x + y\n"
        "except ValueError as error:\n"
        "    print(type(error).__name__, error)\n"
        "import jax as j\n"
        "mesh = j.make_mesh((2,), ('x',))\n"
        "spread = j.NamedSharding(mesh, j.sharding.PartitionSpec('x'))\n"
        "z = j.device_put(x.value, spread)\n"
        "g = xad.grad(lambda z: xad.sum(xad.exp(z) * z))(z)\n"
        "print(g, g.sharding == spread, jax.parse_device(spread) is spread)\n"
    )
    flags = "--xla_force_host_platform_device_count=2"
    found = in_a_process(code, JAX_PLATFORMS="cpu", XLA_FLAGS=flags)
    assert found[:3] == ["['cpu', 'cpu:1']", "cpu cpu:1", "cpu [2. 2.]"]
    assert found[3].startswith("DeviceMismatchError xad.add: expected arrays on one device, got ")
    assert "cpu and cpu:1" in found[3]
    assert found[4] == "[5.4365635 5.4365635] True True"


def test_a_platform_that_is_not_there():
    code = (
        "from xad.backend import adapter_named\n"
        "p = adapter_named('jax').probe()\n"
        "print(p.state, p.remedy)"
    )
    (found,) = in_a_process(code, JAX_PLATFORMS="tpu")
    assert found.startswith("no-device Check JAX_PLATFORMS")


# ---- inside JAX's own transformations -----------------------------------------------------------


def wave(x):
    return xad.sum(xad.sin(x) * x)


def test_a_gradient_inside_jit(here, jax):
    x = here.array(X)
    np.testing.assert_allclose(jax.jit(xad.grad(wave))(x), np.cos(X) * X + np.sin(X), rtol=1e-12)
    rows = here.array(np.stack([X, X + 1]))
    compiled = jax.jit(xad.vmap(xad.grad(wave)))(rows)
    np.testing.assert_allclose(compiled, xad.vmap(xad.grad(wave))(rows), rtol=1e-12)


def test_jax_differentiates_a_gradient_of_xad(here, jax):
    x = here.array(X)
    second = jax.grad(lambda x: xad.grad(wave)(x).sum())(x)
    np.testing.assert_allclose(second, 2 * np.cos(X) - X * np.sin(X), rtol=1e-12)


def test_what_xad_keeps_for_the_next_call_outlives_a_jit(here, jax):
    weight, inputs = here.array(np.ones((4, 3))), here.array(np.ones((5, 4)))
    labels = here.array([0, 1, 2, 0, 1])
    gradient = xad.grad(lambda w, x, y: nn.softmax_cross_entropy(x @ w, y))
    compiled = jax.jit(gradient)(weight, inputs, labels)
    np.testing.assert_allclose(compiled, gradient(weight, inputs, labels), rtol=1e-12)
    np.testing.assert_allclose(compiled, jax.jit(gradient)(weight, inputs, labels), rtol=1e-12)


def test_determinants_inside_jit_look_at_no_value(here, jax):
    matrix = here.array([[2.0, 1.0], [0.0, 3.0]])
    compiled = jax.jit(xad.grad(xad.linalg.det))(matrix)
    np.testing.assert_allclose(compiled, [[3.0, 0.0], [-1.0, 2.0]], atol=1e-12)


def test_values_inside_jit_are_refused(here, jax):
    with pytest.raises(ConcreteValueError, match=r"jax\.jit.*return it from there"):
        jax.jit(lambda x: float(xad.asarray(x)[0]))(here.array(X))


def test_nothing_here_warns(here):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        xad.grad(lambda x: xad.sum(xad.where(x > 1, xad.sqrt(x - 1), x)))(here.array(X))
