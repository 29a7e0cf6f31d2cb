"""Transformations inside each other: which derivative is meant, and to what order."""

import math

import numpy as np
import pytest

import xad
from xad.testing import check_grads


def derivative(f):
    """By reverse mode."""
    return xad.grad(f)


def forward_derivative(f):
    return lambda x: xad.jvp(f, (x,), (1.0,))[1]


MODES = pytest.mark.parametrize("d", [derivative, forward_derivative], ids=["reverse", "forward"])


# ---- perturbation confusion ---------------------------------------------------------------------


@MODES
def test_an_inner_derivative_is_not_mistaken_for_the_outer(d, here, close):
    # d/dx (x * d/dy (x + y)) = d/dx (x * 1)
    close(d(lambda x: x * d(lambda y: x + y)(here.array(1.0)))(here.array(1.0)), 1.0)
    # d/dx (x * d/dy (x * y)) = d/dx x^2
    close(d(lambda x: x * d(lambda y: x * y)(here.array(2.0)))(here.array(3.0)), 6.0)


def test_modes_inside_each_other_are_not_mistaken(here, close):
    for outer in (derivative, forward_derivative):
        for inner in (derivative, forward_derivative):
            f = outer(lambda x: x * inner(lambda y: x * y)(x * 2.0))  # noqa: B023
            close(f(here.array(3.0)), 6.0)


def test_a_closure_over_the_outer_variable_at_two_depths(here, close):
    f = xad.grad(lambda x: xad.grad(lambda y: xad.grad(lambda z: x * y * z * z)(x) * y)(x * x))
    # d/dz (x y z z) at z=x: 2 x^2 y; times y; d/dy: 4 x^2 y at y=x^2: 4 x^4; d/dx: 16 x^3
    close(f(here.array(1.5)), 16 * 1.5**3)


def test_batches_inside_each_other_are_not_mistaken(here, close):
    x, y = np.asarray([1.0, 2.0, 3.0]), np.asarray([10.0, 20.0])
    table = xad.vmap(lambda a: xad.vmap(lambda b: a * b)(here.array(y)))(here.array(x))
    close(table, np.outer(x, y))


# ---- high orders --------------------------------------------------------------------------------


@MODES
def test_third_derivative_of_a_cube_and_the_fourth_at_zero(d, here, close):
    cube = lambda x: x * x * x  # noqa: E731
    third = d(d(d(cube)))
    close(third(here.array(2.0)), 6.0)
    close(d(third)(here.array(0.0)), 0.0)


@MODES
def test_fifth_derivative_of_the_sine(d, here, close):
    f = xad.sin
    for _ in range(5):
        f = d(f)
    close(f(here.array(0.7)), math.cos(0.7))


def test_hessian_by_every_pair_of_modes(here, close):
    x = here.array([0.3, 0.5])
    f = lambda x: xad.sum(xad.sin(x)) * x[0]  # noqa: E731
    a, b = 0.3, 0.5
    expected = [[2 * math.cos(a) - a * math.sin(a), math.cos(b)], [math.cos(b), -a * math.sin(b)]]
    eye = here.array(np.eye(2))

    def pushed(g):
        return lambda x: xad.vmap(lambda t: xad.jvp(g, (x,), (t,))[1])(eye)

    def pulled(g):
        return lambda x: xad.vmap(lambda t: xad.vjp(g, x)[1](t)[0])(eye)

    gradient = xad.grad(f)
    close(pushed(gradient)(x), expected)
    close(pulled(gradient)(x), expected)
    close(pushed(pushed(f))(x), expected)
    close(pulled(pushed(f))(x), expected)


def test_any_order_of_gradient_batch_and_program(here, close):
    x = np.asarray([[0.3, 0.5], [1.0, -2.0], [0.1, 0.9]])
    f = lambda x: xad.sum(xad.sin(x) * x)  # noqa: E731
    expected = np.cos(x) * x + np.sin(x)
    batch = here.array(x)
    close(xad.vmap(xad.grad(f))(batch), expected)
    close(xad.grad(lambda x: xad.sum(xad.vmap(f)(x)))(batch), expected)
    close(xad.make_program(xad.vmap(xad.grad(f)))(batch)(batch), expected)
    close(xad.vmap(xad.make_program(xad.grad(f))(here.array(x[0])))(batch), expected)
    close(xad.vmap(lambda x: xad.make_program(xad.grad(f))(x)(x))(batch), expected)


# ---- constants and closures ---------------------------------------------------------------------


def test_a_tensor_from_outside_is_a_constant(here, close):
    w = xad.Tensor(here.array([2.0, 3.0]))
    x = here.array([1.0, 1.0])
    gradient = xad.grad(lambda x: xad.sum(w * x))(x)
    assert type(gradient) is type(x)
    close(gradient, [2.0, 3.0])


def test_a_tracked_tensor_from_outside_keeps_its_own_graph(here, close):
    w = xad.asarray(here.array([2.0, 3.0]), requires_grad=True)
    gradient = xad.grad(lambda x: xad.sum(w * w * x))(xad.Tensor(here.array([1.0, 10.0])))
    close(gradient.detach(), [4.0, 9.0])
    xad.sum(gradient).backward()
    close(w.grad, [4.0, 6.0])


def test_a_tracked_input_differentiated_through_a_gradient(here, close):
    x = xad.asarray(here.array([1.0, 2.0]), requires_grad=True)
    gradient = xad.grad(lambda x: xad.sum(x * x * x))(x)
    xad.sum(gradient).backward()
    close(x.grad, [6.0, 12.0])


def test_stop_gradient_makes_a_constant_in_every_mode(here, close):
    x = here.array([2.0, 3.0])
    f = lambda x: xad.sum(xad.stop_gradient(x) * x)  # noqa: E731
    close(xad.grad(f)(x), [2.0, 3.0])
    close(xad.jvp(f, (x,), (here.array([1.0, 1.0]),))[1], 5.0)
    close(xad.vmap(xad.grad(f))(here.array([[2.0, 3.0]])), [[2.0, 3.0]])
    close(xad.grad(lambda x: xad.sum(xad.grad(f)(x)))(x), [0.0, 0.0])


def test_no_grad_inside_holds_for_what_began_outside(here, close):
    x = here.array([2.0, 3.0])

    def f(x):
        with xad.no_grad():
            kept = xad.grad(lambda y: xad.sum(y * y))(x)
        return xad.sum(kept * x)

    close(xad.grad(f)(x), [4.0, 6.0])


def test_an_integer_argument_that_is_not_differentiated(here, close):
    n = here.array([2, 3], "int64")
    f = lambda x, n: xad.sum(x * xad.astype(n, x.dtype))  # noqa: E731
    close(xad.grad(f)(here.array([1.0, 1.0]), n), [2.0, 3.0])


def test_complex_gradients_point_uphill(here, close):
    z = here.array([3.0 + 4.0j, -1.0 + 2.0j])
    loss = lambda z: xad.sum(xad.real(z * xad.conj(z)))  # noqa: E731
    close(xad.grad(loss)(z), [6.0 + 8.0j, -2.0 + 4.0j])
    check_grads(loss, (z,), order=2)
    check_grads(lambda z: z * z * xad.conj(z), (z,), order=2)
    check_grads(lambda z: z * (1.0 + 2.0j), (z,), order=2)
