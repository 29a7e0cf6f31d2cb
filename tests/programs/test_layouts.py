"""Recorded programs lay arrays out as eager code does: NumPy adds numbers up as they lie in memory.

Two eager ways stand against a program: functions of plain arrays, where users' own code is NumPy's
and rules compute with NumPy's functions; and tensors, where both are xad's.
"""

import numpy as np
import pytest

import xad

RNG = np.random.default_rng(3)
INDICES = np.asarray([2, 0, 1, 2])
GRID = np.asarray([[0, 2], [1, 1]])


@pytest.fixture(autouse=True)
def numpys():
    with xad.use_backend("numpy"):
        yield


def order(x):
    """The axes as they lie in memory, the outermost first."""
    x = x.value if isinstance(x, xad.Tensor) else x
    axes = [i for i in range(x.ndim) if x.shape[i] > 1]
    return sorted(axes, key=lambda i: -abs(x.strides[i]))


ARRAYS = {
    "by rows": RNG.normal(size=(3, 4, 5)),
    "by columns": np.asfortranarray(RNG.normal(size=(3, 4, 5))),
    "axes moved": np.moveaxis(RNG.normal(size=(5, 3, 4)), 0, 2),
    "backwards": RNG.normal(size=(3, 4, 5))[::-1, :, ::-1],
}
KEYS = {
    "integers": INDICES,
    "integers second": (slice(None), INDICES),
    "integers last": (..., INDICES),
    "integers in the middle of slices": (slice(1, None), INDICES, slice(None, None, -1)),
    "backwards beside integers": (slice(None, None, -1), INDICES),
    "grid": (slice(None), GRID),
    "pairs": (INDICES, INDICES),
    "pairs last": (slice(None), INDICES, INDICES),
    "apart": (INDICES, slice(None), INDICES),
    "apart by a new axis": (slice(None), INDICES, None, INDICES),
    "after an integer": (1, slice(None), INDICES),
    "before an integer": (slice(None), INDICES, 2),
    "integer beside": (slice(None), 2, INDICES),
    "mask": ARRAYS["by rows"][:, 0, 0] > -9,
    "mask second": (slice(None), np.asarray([True, False, True, True])),
    "new axis in front": (None, slice(None), INDICES),
}


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS.keys())
def test_elements_at_index_arrays_lie_as_numpy_lays_them(name, array):
    key = KEYS[name]
    expected = array[key]
    program = xad.make_program(lambda x: x[key])(array)
    for found in (
        xad.asarray(array)[key].numpy(),
        program(array),
        xad.jit(lambda x: x[key])(array),
    ):
        np.testing.assert_array_equal(found, expected)
        assert order(found) == order(expected)
        assert not np.shares_memory(found, array)


@pytest.mark.parametrize("make", [xad.zeros_like, xad.ones_like, lambda x: xad.full_like(x, 2.0)])
@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS.keys())
def test_arrays_like_another_lie_like_it(make, array):
    expected = order(np.zeros_like(array))
    assert order(make(array)) == order(make(xad.asarray(array))) == expected
    _, tangent = xad.jvp(lambda x: x + make(x), (array,), (array,))
    assert order(tangent) == expected


def test_arrays_like_one_of_another_shape_have_its_shape():
    doubled = xad.vmap(lambda x: xad.zeros_like(x) + 1)(ARRAYS["by columns"])
    assert doubled.shape == (3, 4, 5)


def squares(xp, x):
    return xp.mean(x * x)


PROGRAMS = {
    "a sum over what index arrays took": lambda x: squares(
        xad, xad.special.softmax(x[::-1, INDICES[:3]], axis=0)
    ),
    "a sum over a Hessian": lambda x: squares(
        xad, xad.abs(xad.hessian(lambda u: xad.prod(u) * xad.sum(u * x[0]))(x[0]))
    ),
    "slopes of what checkpoint computes again": lambda x: squares(
        xad, xad.checkpoint(lambda u, v: xad.tanh(u * v) + v)(x, x)
    ),
}
WAYS = {
    "": lambda f: f,
    "G": xad.grad,
    "GG": lambda f: xad.grad(lambda x: xad.sum(xad.grad(f)(x) * 0.7)),
    "JG": lambda f: lambda x: xad.jvp(xad.grad(f), (x,), (x * 0.3,))[1],
    "JJ": lambda f: (
        lambda x: xad.jvp(lambda y: xad.jvp(f, (y,), (y * 0.3,))[1], (x,), (x * 0.7,))[1]
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_add_up_in_the_order_of_eager_code(name, way):
    f = WAYS[way](PROGRAMS[name])
    for seed in range(10):
        x = np.random.default_rng(seed).normal(size=(3, 4))
        expected = np.asarray(f(x))
        assert np.array_equal(xad.make_program(f)(x)(x), expected)
