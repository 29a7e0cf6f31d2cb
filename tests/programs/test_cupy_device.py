"""Programs on a GPU: what jit gives over CuPy is what the same function gives without."""

import os

import numpy as np
import pytest

import xad
from xad.backend import adapter_named
from xad.programs.cupy.expressions import expressible
from xad.programs.cupy.kernels import elementwise_text, endable, reduction_text
from xad.programs.groups import grouped

rng = np.random.default_rng(0)
X, Y, W = rng.standard_normal((32, 16)), rng.standard_normal((32, 16)), np.eye(16) * 0.5
B = rng.standard_normal(16)


@pytest.fixture
def cupy(require_library):
    """CuPy, where there is a GPU for it; without one a failure where CuPy is required."""
    require_library("cupy")
    probe = adapter_named("cupy").probe()
    if not probe.ok:
        required = "cupy" in os.environ.get("XAD_TEST_REQUIRE", "").split(",")
        (pytest.fail if required else pytest.skip)(f"no GPU for CuPy: {probe.sentence()}")
    return pytest.importorskip("cupy")


def chain(x, y):
    return xad.exp(-x * x) / (1 + abs(y)) + xad.where(x > y, x, xad.tanh(y)), xad.remainder(x, 0.7)


def statistics(x, y):
    z = (x - y) ** 2
    return xad.mean(z), xad.sum(z, axis=0), xad.max(x * 2, axis=1), xad.any(x > 3)


def layers(x, w, b):
    def loss(w, b):
        return xad.mean(xad.special.relu(xad.special.affine(x, w, b)) ** 2)

    return xad.value_and_grad(loss, argnums=(0, 1))(w, b)


def many_shapes(x):
    total = 0
    for n in range(2, 9):
        total = total + xad.sum(xad.exp(xad.broadcast_to(x[:1], (n,)) / n))[None]
    return x + total


def with_products(x, w):
    y = many_shapes((x @ w)[0])
    return many_shapes((y * w)[0]) @ w


def decomposed(w):
    return xad.linalg.cholesky(w @ w.T + w) + 1


CASES = [
    (chain, (X, Y)),
    (statistics, (X, Y)),
    (layers, (X, W, B)),
    (many_shapes, (B,)),
    (with_products, (X, W)),
    (decomposed, (W,)),
]


def same(results, wanted, near):
    for x, y in zip(xad.tree.leaves(results), xad.tree.leaves(wanted), strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_allclose(x.get(), y.get(), rtol=near, atol=near)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("f", "arrays"), CASES)
def test_jit_gives_what_the_function_gives(cupy, f, arrays, dtype):
    jitted = xad.jit(f)
    near = 1e-12 if dtype == "float64" else 1e-4
    kept = []
    for scale in (1.0, 0.5, 2.0, 1.0, 0.25):
        given = [cupy.asarray(a * scale, dtype=dtype) for a in arrays]
        kept.append((jitted(*given), f(*given)))
    for results, wanted in kept:
        same(results, wanted, near)


def test_jit_gives_the_same_on_a_stream_of_its_own(cupy):
    jitted = xad.jit(many_shapes)
    with cupy.cuda.Stream(non_blocking=True) as stream:
        b = cupy.asarray(B)
        stream.synchronize()
        for _ in range(4):
            same(jitted(b), many_shapes(b), 1e-12)
    same(jitted(b), many_shapes(b), 1e-12)


def test_donated_steps_give_what_steps_give(cupy):
    jitted = xad.jit(many_shapes, donate_argnums=0)
    here = there = cupy.asarray(B * 1e-3)
    here = here.copy()
    for _ in range(6):
        here, there = jitted(here) * 1e-3, many_shapes(there) * 1e-3
    same(here, there, 1e-12)


def test_a_stage_of_many_kernels_is_replayed_as_a_graph(cupy):
    from xad.programs.cupy.source import compile_cupy

    b = cupy.asarray(B)
    compiled = compile_cupy(xad.make_program(many_shapes)(b).listing)
    for _ in range(3):
        (out,) = compiled.run([b])
    assert compiled.run.refusal is None
    assert compiled.run._spaces[0]._graphs
    np.testing.assert_allclose(out.get(), many_shapes(B), rtol=1e-12)


@pytest.mark.parametrize(("f", "arrays"), CASES[:4])
def test_cupy_takes_the_kernels_texts(require_library, f, arrays):
    # Needs CuPy, but no GPU: kernels are compiled at their first call.
    require_library("cupy")
    import cupy

    listing = xad.make_program(f)(*arrays).listing
    for group in grouped(
        listing, lambda i: expressible(i, listing.kinds), lambda i: endable(i, listing), alone=True
    ):
        if group.fused:
            text = (reduction_text if group.endings else elementwise_text)(group, listing)
            assert text.build(cupy).name == text.name
