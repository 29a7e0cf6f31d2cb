"""Slopes that are quotients: the rule divides, in both modes, whatever carries what."""

import numpy as np
import pytest

import xad
from xad import extend
from xad.programs.optimise import optimise

X = np.asarray([0.5, 2.0, -3.0])


@extend.elementwise(extend.over(lambda xp, x: xp.multiply(3.0, x * x)))
def cube_root(xp, x):  # of which the slope is not, on purpose: what the rule says counts
    return xp.sin(x)


def slope(x):
    return 1 / (3.0 * x * x)


def test_both_modes_divide_by_it():
    with xad.use_backend("numpy"):
        g = xad.grad(lambda x: xad.sum(cube_root(x) * X))(X)
        np.testing.assert_array_equal(g, X / (3.0 * (X * X)))
        _, t = xad.jvp(cube_root, (X,), (X,))
        np.testing.assert_array_equal(t, X / (3.0 * (X * X)))


def test_it_goes_through_every_transformation():
    with xad.use_backend("numpy"):
        bend = xad.vmap(xad.grad(xad.grad(cube_root)))(X)
        np.testing.assert_allclose(bend, -2 * slope(X) / X, rtol=1e-14)
        np.testing.assert_allclose(xad.jacfwd(cube_root)(X), np.diag(slope(X)), rtol=1e-14)
        np.testing.assert_allclose(xad.jacrev(cube_root)(X), np.diag(slope(X)), rtol=1e-14)


def test_a_complex_divisor_is_conjugated_in_reverse():
    z = np.asarray([1 + 2j, -0.5 + 1j])
    _, pullback = xad.vjp(xad.log, z)
    np.testing.assert_allclose(pullback(np.ones_like(z))[0], 1 / np.conj(z), rtol=1e-15)
    np.testing.assert_allclose(xad.jvp(xad.log, (z,), (np.ones_like(z),))[1], 1 / z, rtol=1e-15)


def test_a_quotient_is_divided_first():
    a, b = np.asarray([0.3, -2.0, 5.0]), np.asarray([0.7, 1e-200, 3.0])
    with xad.use_backend("numpy"), np.errstate(all="ignore"):
        by_a, by_b = xad.grad(lambda a, b: xad.sum(a / b * X), (0, 1))(a, b)
        np.testing.assert_array_equal(by_a, X / b)
        np.testing.assert_array_equal(by_b, -(a / b) * (X / b))
        _, t = xad.jvp(lambda b: a / b, (b,), (X,))
        np.testing.assert_array_equal(t, -(a / b) * (X / b))
        # A cotangent of zero stays zero, however small the divisor is.
        masked = xad.grad(lambda b: xad.sum(xad.where(b > 1e-9, 1 / b, 0.0)))(np.asarray([1e-200]))
        np.testing.assert_array_equal(masked, [0.0])


def test_slopes_over_one_divisor_share_the_division_in_a_program():
    program = xad.make_program(xad.grad(lambda a, b: xad.sum(a / b * X), (0, 1)))(X, X + 1)
    names = [instruction.primitive.name for instruction in optimise(program.listing).instructions]
    assert names.count("divide") == 2


def test_a_complex_quotient_is_conjugated_in_reverse():
    a, b = np.asarray([1 + 2j, 3j]), np.asarray([0.5 - 1j, -2 + 1j])
    g = np.asarray([1j, 2 - 1j])
    _, pullback = xad.vjp(lambda b: a / b, b)
    np.testing.assert_allclose(pullback(g)[0], np.conj(-a / b / b) * g, rtol=1e-15)
    _, pullback = xad.vjp(lambda b: 2j / b, b)
    np.testing.assert_allclose(pullback(g)[0], np.conj(-2j / b / b) * g, rtol=1e-15)


@pytest.mark.parametrize(
    ("number", "expected"), [(4.0, 0.25), (0.0, np.inf), (-0.0, -np.inf), (2j, -0.5j)]
)
def test_a_number_as_divisor(number, expected):
    with np.errstate(all="ignore"):
        x = np.ones(2) * (1j if isinstance(number, complex) else 1.0)
        _, t = xad.jvp(lambda x: x / number, (x,), (np.ones_like(x),))
    np.testing.assert_array_equal(t, np.full(2, expected))


def test_a_basis_of_unit_vectors_is_kept_or_given_up_where_it_must():
    with np.errstate(all="ignore"):
        found = xad.jacrev(xad.log)(np.asarray([2.0, 0.0, 4.0]))
    assert found[0, 0] == 0.5
    assert found[2, 2] == 0.25
    assert found[1, 1] == np.inf
    assert found[0, 2] == 0
    assert np.isnan(found[0, 1])  # 0 / 0: as without a structure


def test_what_the_divisor_names_is_checked():
    with pytest.raises(TypeError, match="a slope"):
        extend.elementwise(extend.over(lambda z: z))(lambda xp, x: x)
