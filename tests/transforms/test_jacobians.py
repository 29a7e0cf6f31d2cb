"""Jacobians and Hessians in both modes, and products with them, over arrays and trees."""

import numpy as np
import pytest

import xad
from xad.errors import NotDifferentiableError, ShapeError

MATRIX = np.random.default_rng(0).normal(size=(2, 3))
POINT = np.asarray([0.5, -1.0, 2.0])
MODES = [xad.jacfwd, xad.jacrev, xad.jacobian]


def differences(f, x, step=1e-6):
    """The Jacobian of a NumPy function by central differences."""
    columns = []
    for i in np.ndindex(x.shape):
        d = np.zeros_like(x)
        d[i] = step
        columns.append((np.asarray(f(x + d)) - np.asarray(f(x - d))) / (2 * step))
    stacked = np.stack(columns, axis=-1)
    return stacked.reshape(*stacked.shape[:-1], *x.shape)


@pytest.fixture
def matrix(here):
    return here.array(MATRIX)


@pytest.mark.parametrize("mode", MODES)
def test_jacobian_of_a_vector_function(mode, here, matrix, close):
    found = mode(lambda x: xad.sin(xad.matmul(matrix, x)) * x[0])(here.array(POINT))
    close(found, differences(lambda x: np.sin(MATRIX @ x) * x[0], POINT), 1e-5)


@pytest.mark.parametrize("mode", MODES)
def test_shapes_are_output_then_input(mode, here, close):
    x = here.array(np.ones((2, 3)))
    found = mode(lambda x: xad.sum(x * x, axis=0))(x)
    assert tuple(found.shape) == (3, 2, 3)
    expected = np.zeros((3, 2, 3))
    for i in range(3):
        expected[i, :, i] = 2.0
    close(found, expected)


@pytest.mark.parametrize("mode", MODES)
def test_trees_of_inputs_and_outputs(mode, here, close):
    p = {"a": here.array(POINT), "b": here.array(2.0), "none": None}
    found = mode(lambda p: {"u": p["a"] * p["b"], "v": (xad.sum(p["a"]), None)})(p)
    close(found["u"]["a"], 2.0 * np.eye(3))
    close(found["u"]["b"], POINT)
    close(found["v"][0]["a"], np.ones(3))
    close(found["v"][0]["b"], 0.0)
    assert found["u"]["none"] is None
    assert found["v"][1] is None


@pytest.mark.parametrize("mode", MODES)
def test_argnums_and_auxiliary_results(mode, here, close):
    x, y = here.array(POINT), here.array(3.0)
    (by_y, by_x), aux = mode(lambda x, y: (x * y, {"x": x}), (1, 0), has_aux=True)(x, y)
    close(by_y, POINT)
    close(by_x, 3.0 * np.eye(3))
    close(aux["x"], POINT)
    assert type(aux["x"]) is type(x)


@pytest.mark.parametrize("mode", MODES)
def test_type_dtype_and_device_are_the_inputs(mode, everywhere):
    raw = everywhere.array([1.0, 2.0], "float32")
    for x in (raw, xad.Tensor(raw)):
        found = mode(lambda x: x * x)(x)
        assert type(found) is type(x)
        assert found.dtype == raw.dtype
        assert everywhere.adapter.device_of(getattr(found, "value", found)) == everywhere.device


@pytest.mark.parametrize("mode", MODES)
def test_no_elements_in_no_elements_out(mode, here):
    found = mode(lambda x: x[:, :1] * 2.0)(here.array(np.zeros((0, 2))))
    assert tuple(found.shape) == (0, 1, 0, 2)


@pytest.mark.parametrize("mode", [xad.jacfwd, xad.jacrev])
def test_holomorphic_functions(mode, here, close):
    z = here.array(np.asarray([1.0 + 2.0j, 0.5j]), "complex128")
    close(mode(lambda z: z * z, holomorphic=True)(z), np.diag([2.0 + 4.0j, 1.0j]))
    with pytest.raises(NotDifferentiableError, match="holomorphic=True"):
        mode(lambda z: z * z)(z)


@pytest.mark.parametrize("mode", MODES)
def test_integers_are_refused(mode, here):
    with pytest.raises(TypeError, match="floating"):
        mode(lambda x: x * 1.0)(here.array(np.asarray([1, 2])))


def test_jacobians_nest_and_batch(here, close):
    f = lambda x: xad.sin(x) * x[0]  # noqa: E731
    x = here.array(POINT)
    second = xad.jacfwd(xad.jacrev(f))(x)
    close(second, here.to_host(xad.jacrev(xad.jacfwd(f))(x)))
    batch = here.array(np.stack([POINT, 2 * POINT]))
    close(xad.vmap(xad.jacrev(f))(batch)[0, ...], here.to_host(xad.jacfwd(f)(x)))
    program = xad.make_program(xad.jacfwd(f))(x)
    close(program(here.array(2 * POINT)), here.to_host(xad.jacrev(f)(here.array(2 * POINT))))


def quartic(x):
    return xad.sum(x**4) + x[0] * x[1] * x[2]


def test_hessian(here, close):
    a, b, c = POINT
    expected = np.diag(12 * POINT**2) + np.asarray([[0, c, b], [c, 0, a], [b, a, 0]])
    close(xad.hessian(quartic)(here.array(POINT)), expected)


def test_hessian_of_a_tree_is_a_tree_of_trees(here, close):
    p = {"a": here.array(POINT), "b": here.array(2.0)}
    found = xad.hessian(lambda p: xad.sum(p["a"] ** 2) * p["b"])(p)
    close(found["a"]["a"], 4.0 * np.eye(3))
    close(found["a"]["b"], 2 * POINT)
    close(found["b"]["a"], 2 * POINT)
    close(found["b"]["b"], 0.0)


def test_products_with_the_hessian(here, close):
    x, v = here.array(POINT), here.array([1.0, 2.0, 3.0])
    (product,) = xad.hvp(quartic, (x,), (v,))
    close(product, here.to_host(xad.hessian(quartic)(x)) @ np.asarray([1.0, 2.0, 3.0]))


def test_products_of_several_primals(here, close):
    f = lambda x, y: xad.sum(x * x) * y  # noqa: E731
    x, y = here.array(POINT), here.array(3.0)
    for_x, for_y = xad.hvp(f, (x, y), (x, y))
    close(for_x, 6.0 * POINT + 2.0 * POINT * 3.0)
    close(for_y, 2.0 * np.sum(POINT * POINT))


def test_gauss_newton_is_the_hessian_without_the_curvature_of_the_model(here, matrix, close):
    f = lambda x: xad.sin(xad.matmul(matrix, x))  # noqa: E731
    loss = lambda y: xad.sum(y**4)  # noqa: E731
    x, v = here.array(POINT), here.array([1.0, 2.0, 3.0])
    (product,) = xad.gauss_newton_product(f, loss, (x,), (v,))
    J = here.to_host(xad.jacrev(f)(x))
    H = np.diag(12 * np.sin(MATRIX @ POINT) ** 2)
    close(product, J.T @ H @ J @ np.asarray([1.0, 2.0, 3.0]))


def test_elementwise_derivative(here, close):
    close(xad.elementwise_grad(xad.sin)(here.array(POINT)), np.cos(POINT))
    second = xad.elementwise_grad(xad.elementwise_grad(xad.sin))
    close(second(here.array(POINT)), -np.sin(POINT))


def test_hessian_wants_one_number(here):
    with pytest.raises(ShapeError, match="one number"):
        xad.hessian(lambda x: x)(here.array(POINT))


def test_linearize_does_not_compute_the_function_again(here, close):
    calls = []

    def f(a, b):
        calls.append(1)
        return {"y": xad.sin(a) * b["k"]}

    a, b = here.array(POINT), {"k": here.array(2.0)}
    y, push = xad.linearize(f, a, b)
    close(y["y"], 2.0 * np.sin(POINT))
    for t in (POINT, 2 * POINT):
        found = push(here.array(t), {"k": here.array(1.0)})
        close(found["y"], 2.0 * np.cos(POINT) * t + np.sin(POINT))
    assert len(calls) == 1
    assert {line.primitive.name for line in push.program.instructions} <= {"multiply", "add"}


def test_linearize_inside_other_transformations(here, close):
    def slope(x):
        return xad.linearize(xad.sin, x)[1](x)

    x = here.array(POINT)
    close(xad.elementwise_grad(slope)(x), np.cos(POINT) - POINT * np.sin(POINT))
    close(xad.vmap(slope)(x), POINT * np.cos(POINT))


def test_linearize_refuses_tangents_unlike_the_primals(here):
    _, push = xad.linearize(xad.sin, here.array(POINT))
    with pytest.raises(ShapeError, match="expected"):
        push(here.array([1.0]))
