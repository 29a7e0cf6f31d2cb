"""convolve over stacks of sequences, and its gradients."""

import numpy as np
import pytest

import xad

MODES = ("full", "same", "valid")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("lengths", [(6, 3), (2, 5)])
@pytest.mark.parametrize("in_axes", [(0, None), (None, 0), (0, 0)])
def test_stacks(lengths, in_axes, mode, here):
    random = np.random.default_rng(0)
    n, m = lengths
    a = random.normal(size=(4, n) if in_axes[0] == 0 else n)
    v = random.normal(size=(4, m) if in_axes[1] == 0 else m)
    rows = [
        np.convolve(a[i] if in_axes[0] == 0 else a, v[i] if in_axes[1] == 0 else v, mode)
        for i in range(4)
    ]
    f = xad.vmap(lambda a, v: xad.convolve(a, v, mode), in_axes=in_axes)
    got = here.to_host(f(here.array(a), here.array(v)))
    np.testing.assert_allclose(got, rows, rtol=100 * here.tolerance, atol=100 * here.tolerance)
    empty = [here.array(x[:0] if x.ndim == 2 else x) for x in (a, v)]
    assert f(*empty).shape == (0, len(rows[0]))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("lengths", [(6, 3), (2, 5), (3, 3)])
def test_the_jacobian_is_the_matrix_of_the_convolution(lengths, mode, here):
    n, m = lengths
    random = np.random.default_rng(0)
    a, v = random.normal(size=n), random.normal(size=m)
    jacobians = xad.jacrev(lambda a, v: xad.convolve(a, v, mode), argnums=(0, 1))(
        here.array(a), here.array(v)
    )
    of_a = [np.convolve(unit, v, mode) for unit in np.eye(n)]
    of_v = [np.convolve(a, unit, mode) for unit in np.eye(m)]
    for got, expected in zip(jacobians, (of_a, of_v), strict=True):
        bound = {"rtol": 10 * here.tolerance, "atol": 10 * here.tolerance}
        np.testing.assert_allclose(here.to_host(got), np.transpose(expected), **bound)


def test_types_are_promoted(here):
    a, v = here.array([1.0, 2.0, 3.0], "float32"), here.array([1.0, 1.0], "float64")
    y = xad.convolve(a, v)
    assert y.dtype == v.dtype
    np.testing.assert_array_equal(here.to_host(y), [1, 3, 5, 3])
    assert xad.grad(lambda a: xad.sum(xad.convolve(a, v)))(a).dtype == a.dtype
