"""SciPy's optimisers, fed with values, gradients and Hessians of functions of trees."""

import numpy as np
import pytest

import xad
from xad.errors import NotDifferentiableError, ShapeError
from xad.optimize import Equations, Objective


def rosenbrock(p):
    x, y = p["x"], p["y"]
    return xad.sum((1.0 - x) ** 2) + 100.0 * xad.sum((y - x * x) ** 2)


@pytest.fixture
def objective(here):
    start = {"x": here.array([-1.2, 0.5]), "y": here.array([1.0, -1.0])}
    return Objective(rosenbrock, start)


METHODS = {
    "BFGS": lambda o: {"fun": o.value_and_gradient, "jac": True},
    "Newton-CG": lambda o: {"fun": o, "jac": o.gradient, "hessp": o.hessian_product},
    "trust-exact": lambda o: {"fun": o, "jac": o.gradient, "hess": o.hessian},
}


@pytest.mark.parametrize("method", METHODS)
def test_minimize_finds_the_valley(method, objective, here, require_library):
    require_library("scipy")
    from scipy.optimize import minimize

    if here.tolerance > 1e-9:
        pytest.skip("this device has no float64, which line searches count on")
    found = minimize(x0=objective.x0, method=method, **METHODS[method](objective))
    p = objective.tree(found.x)
    np.testing.assert_allclose(here.to_host(p["x"]), [1.0, 1.0], atol=1e-3)
    np.testing.assert_allclose(here.to_host(p["y"]), [1.0, 1.0], atol=1e-3)


def test_vectors_and_trees(objective, here):
    assert objective.x0.dtype == np.float64
    p = objective.tree(objective.x0)
    assert type(p["x"]) is type(here.array([1.0]))
    assert here.adapter.device_of(p["x"]) == here.device
    np.testing.assert_allclose(here.to_host(p["y"]), [1.0, -1.0])
    with pytest.raises(ShapeError, match="length 4, got 5"):
        objective.tree(np.zeros(5))


def test_hessian_and_its_products_agree(objective, here):
    x = objective.x0
    matrix = objective.hessian(x)
    v = np.asarray([1.0, -2.0, 0.5, 3.0])
    np.testing.assert_allclose(matrix, matrix.T, rtol=1e-4)
    np.testing.assert_allclose(objective.hessian_product(x, v), matrix @ v, rtol=1e-4)
    assert objective(x) == pytest.approx(objective.value_and_gradient(x)[0])


def test_equations(here, require_library):
    require_library("scipy")
    from scipy.optimize import root

    def f(p):
        return {"first": p["a"] * p["b"] - 6.0, "second": p["a"] + p["b"] - 5.0}

    equations = Equations(f, {"a": here.array([1.0]), "b": here.array([4.5])})
    np.testing.assert_allclose(equations(equations.x0), [-1.5, 0.5], rtol=1e-5)
    np.testing.assert_allclose(equations.jacobian(equations.x0), [[4.5, 1.0], [1.0, 1.0]])
    if here.tolerance > 1e-9:
        pytest.skip("this device has no float64, which the solver's steps count on")
    found = root(equations, equations.x0, jac=equations.jacobian)
    np.testing.assert_allclose(sorted(found.x), [2.0, 3.0], rtol=1e-6)


def test_integers_and_nothing_are_refused(here):
    with pytest.raises(NotDifferentiableError, match="real floating"):
        Objective(xad.sum, here.array(np.asarray([1, 2])))
    with pytest.raises(ShapeError, match="at least one array"):
        Objective(xad.sum, {})
