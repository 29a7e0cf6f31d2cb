"""The basis of a Jacobian keeps its structure where it can, and is an ordinary array elsewhere."""

import numpy as np
import pytest

import xad
from xad.errors import ConcreteValueError
from xad.ops.declare import primitives
from xad.units import Units, dense

MATRIX = np.random.default_rng(0).normal(size=(3, 4))
SCALE = np.asarray([2.0, -1.0, 0.5])


@pytest.fixture
def units(here):
    return Units(here.array(np.zeros(3)), (3,), here.array(SCALE))


KEPT = {
    "by a vector": lambda here, x: primitives["multiply"].bind(x, here.array(SCALE + 1)),
    "from the left": lambda here, x: primitives["multiply"].bind(here.array(SCALE + 1), x),
    "by a row": lambda here, x: primitives["multiply"].bind(x, here.array(SCALE[None])),
    "by a number": lambda here, x: primitives["multiply"].bind(x, 3.0),
    "divided": lambda here, x: primitives["divide"].bind(x, 4.0),
    "negative": lambda here, x: primitives["negative"].bind(x),
    "reshaped": lambda here, x: primitives["reshape"].bind(x, shape=(3, 1, 3)),
}
ORDINARY = {
    "times a matrix": lambda here, x: primitives["matmul"].bind(x, here.array(MATRIX)),
    "by infinity": lambda here, x: primitives["multiply"].bind(x, here.array([1.0, np.inf, 1.0])),
    "by a column": lambda here, x: primitives["multiply"].bind(x, here.array(SCALE[:, None])),
    "divided by zero": lambda here, x: primitives["divide"].bind(x, here.array([1.0, 0.0, 1.0])),
    "cosine": lambda here, x: primitives["cos"].bind(x),
    "sum": lambda here, x: primitives["sum"].bind(x, axis=(0,), keepdims=False, dtype=None),
    "flat": lambda here, x: primitives["reshape"].bind(x, shape=(9,)),
    "of two": lambda here, x: primitives["add"].bind(x, x),
}


@pytest.mark.parametrize("name", [*KEPT, *ORDINARY])
@pytest.mark.filterwarnings("ignore")
def test_results_are_those_of_the_dense_array(name, units, here):
    call = {**KEPT, **ORDINARY}[name]
    found = call(here, units)
    assert isinstance(found, Units) == (name in KEPT)
    with np.errstate(all="ignore"):
        expected = here.to_host(call(here, units.dense()))
    np.testing.assert_allclose(here.to_host(dense(found)), expected, rtol=here.tolerance)


def test_attributes_are_those_of_the_dense_array(units, here):
    like = units.dense()
    assert units.shape == tuple(like.shape) == (3, 3)
    assert units.dtype == like.dtype
    assert units.device == here.device
    with pytest.raises(ConcreteValueError, match="basis"):
        Units(like, (1,)).item()


def test_ones_without_a_scale(here):
    units = Units(here.array(np.zeros(4)), (2, 2))
    np.testing.assert_allclose(here.to_host(units.dense()), np.eye(4).reshape(4, 2, 2))
    product = primitives["matmul"].bind(
        primitives["reshape"].bind(units, shape=(4, 4)), here.array(np.ones((4, 2)))
    )
    np.testing.assert_allclose(here.to_host(product), np.ones((4, 2)))


FUNCTIONS = {
    "identity": lambda x: x,
    "elementwise": lambda x: xad.sin(x) * 3.0,
    "layer": lambda x: xad.tanh(x @ x + x[0]),
    "constant": lambda x: xad.zeros_like(x),
    "pole": lambda x: xad.sqrt(xad.abs(x - x[0])),
    "scatter": lambda x: x[[0, 0, 1]],
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("mode", [xad.jacfwd, xad.jacrev])
def test_jacobians_are_ordinary_arrays(name, mode, here):
    x = here.array(np.asarray([[0.5, -1.0, 2.0], [1.0, 0.3, 0.2], [0.1, 0.7, -0.4]]))
    with np.errstate(all="ignore"):
        found = mode(FUNCTIONS[name])(x)
        assert type(found) is type(x)
        rows = [mode(lambda y, i=i: FUNCTIONS[name](y)[i, ...])(x) for i in range(3)]
        # Two leaves have a basis with zeros.
        again = mode(lambda p: FUNCTIONS[name](p["x"]))({"x": x, "more": here.array(0.0)})
    expected = np.stack([here.to_host(row) for row in rows])
    np.testing.assert_allclose(here.to_host(found), expected, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(here.to_host(again["x"]), expected, rtol=1e-6, atol=1e-12)
