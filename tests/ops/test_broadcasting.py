"""Pairs of shapes for every operation that broadcasts: values, and both gradients.

What is expected comes from the same operation on arrays that were repeated by hand, whose gradients
are summed by hand.
"""

import numpy as np
import pytest

import xad
from xad.errors import BackendError
from xad.testing.database import function_of, op_database

PAIRS = {"dask": 10, "jax": 10}
"""How many pairs where each costs a tenth of a second: a graph, a compilation. Elsewhere 200."""
OPERANDS = {"f": np.float64, "i": np.int64, "b": np.bool_}


def sample_of(random, shape, kind):
    if kind == "b":
        return random.random(shape) < 0.5
    if kind == "i":
        return np.asarray(random.integers(1, 5, shape))
    return np.asarray(random.uniform(0.3, 0.9, shape))


def kind_of(info):
    return next((kind for kind in "fib" if kind in info.kinds), None)


def broadcasts(info):
    """Whether it is an operation on two arrays that gives the shape they have together."""
    kind = kind_of(info)
    if kind is None or info.constant:
        return False
    random = np.random.default_rng(0)
    f = function_of(info)
    try:
        with xad.use_backend("numpy"):
            return all(
                f(sample_of(random, a, kind), sample_of(random, b, kind)).shape == (2, 3)
                for a, b in (((2, 1), (1, 3)), ((2, 3), (3,)))
            )
    except (TypeError, ValueError, IndexError, AttributeError, NotImplementedError):
        return False


BROADCASTING = [info for info in op_database.values() if broadcasts(info)]


def shape_pairs(random, here):
    """Pairs of shapes that broadcast, of up to three axes, some of length one or none."""
    for _ in range(PAIRS.get(here.adapter.name, 200)):
        whole = random.integers(0, 4, random.integers(0, 4))
        parts = []
        for _ in range(2):
            cut = whole[random.integers(0, len(whole) + 1) :]
            parts.append(tuple(int(n) if random.random() < 0.6 else 1 for n in cut))
        yield tuple(parts)


def repeated(x, shape):
    return np.array(np.broadcast_to(x, shape))


def summed(x, shape):
    x = x.sum(axis=tuple(range(x.ndim - len(shape))))
    return x.sum(axis=tuple(i for i, n in enumerate(shape) if n != x.shape[i]), keepdims=True)


def gradients(f, a, b, g, here):
    """The value and the two cotangents, on the host."""
    value, pullback = xad.vjp(f, here.array(a), here.array(b))
    return [here.to_host(x) for x in (value, *pullback(here.array(g)))]


def test_the_operations_are_found():
    names = {info.name for info in BROADCASTING}
    assert {"add", "pow", "atan2", "logical_and", "bitwise_xor", "special.xlogy"} <= names
    assert len(names) > 40


@pytest.mark.parametrize("info", BROADCASTING, ids=lambda info: info.name)
def test_pairs_of_shapes(info, here):
    random = np.random.default_rng(0)
    f, kind = function_of(info), kind_of(info)
    differentiable = "f" in info.differentiable and kind == "f"
    tolerance = max(here.tolerance, 1e-12)
    for first, second in shape_pairs(random, here):
        shape = np.broadcast_shapes(first, second)
        a, b = sample_of(random, first, kind), sample_of(random, second, kind)
        whole = repeated(a, shape), repeated(b, shape)
        g = random.normal(size=shape)
        try:
            if differentiable:
                got = gradients(f, a, b, g, here)
                value, *shares = gradients(f, *whole, g, here)
                expected = [value, summed(shares[0], first), summed(shares[1], second)]
            else:
                got = [here.to_host(f(here.array(a), here.array(b)))]
                expected = [here.to_host(f(*map(here.array, whole)))]
        except BackendError as error:
            pytest.skip(str(error))
        for x, y in zip(got, expected, strict=True):
            assert x.shape == y.shape, (first, second)
            np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance)


STACKED = {
    "matmul": (xad.matmul, (2, 3), (3, 2)),
    "vecdot": (xad.vecdot, (3,), (3,)),
    "linalg.cross": (xad.linalg.cross, (3,), (3,)),
    "linalg.solve": (xad.linalg.solve, (2, 2), (2, 3)),
}


@pytest.mark.parametrize("name", STACKED)
def test_stacks_of_matrices_and_vectors(name, here):
    f, core_a, core_b = STACKED[name]
    random = np.random.default_rng(0)
    tolerance = max(here.tolerance, 1e-10)
    for first, second in shape_pairs(random, here):
        shape = np.broadcast_shapes(first, second)
        a = random.normal(size=(*first, *core_a))
        b = random.normal(size=(*second, *core_b))
        if name == "linalg.solve":
            a = a + 4.0 * np.eye(2)
        whole = repeated(a, (*shape, *core_a)), repeated(b, (*shape, *core_b))
        g = random.normal(size=tuple(f(*map(here.array, whole)).shape))
        got = gradients(f, a, b, g, here)
        value, *shares = gradients(f, *whole, g, here)
        expected = [
            value,
            summed(shares[0], (*first, *core_a)),
            summed(shares[1], (*second, *core_b)),
        ]
        for x, y in zip(got, expected, strict=True):
            assert x.shape == y.shape, (first, second)
            np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance)
