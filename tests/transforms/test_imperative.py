"""``.backward()`` with all its options, hooks, and imperative code inside transformations."""

import numpy as np
import pytest

import xad
from xad.errors import GraphError, NotDifferentiableError, ShapeError

X = np.asarray([0.5, 1.0, 2.0])


@pytest.fixture
def x(here):
    return xad.asarray(here.array(X), requires_grad=True)


def test_gradients_can_be_differentiated_again(x, close):
    y = xad.sum(x**4)
    y.backward(create_graph=True)
    first = x.grad
    assert first.requires_grad
    close(first.detach(), 4 * X**3)
    second = xad.sum(first).gradient(x, create_graph=True)
    close(second.detach(), 12 * X**2)
    close(xad.sum(second).gradient(x), 24 * X)


def test_create_graph_with_a_tracked_cotangent(x, here, close):
    w = xad.asarray(here.array([1.0, 2.0, 3.0]), requires_grad=True)
    g = (x * x).gradient(x, gradient=w, create_graph=True)
    by_w, by_x = xad.sum(g).gradient([w, x])
    close(by_w, 2 * X)
    close(by_x, [2.0, 4.0, 6.0])


def test_a_gradient_penalty(x, here, close):
    w = xad.asarray(here.array([1.0, -1.0, 0.5]), requires_grad=True)
    out = xad.sum(xad.tanh(x * w))
    penalty = xad.sum(out.gradient(x, create_graph=True) ** 2)
    penalty.backward()

    def functional(w):
        slope = xad.grad(lambda x: xad.sum(xad.tanh(x * w)))(x.detach())
        return xad.sum(slope**2)

    close(w.grad, here.to_host(xad.grad(functional)(w.detach())))


def test_without_create_graph_nothing_is_tracked(x):
    xad.sum(x**2).backward()
    assert not x.grad.requires_grad


def test_gradients_accumulate_until_they_are_reset(x, close):
    y = xad.sum(x * x)
    y.backward()
    y.backward()
    close(x.grad, 4 * X)
    x.grad = None
    y.backward()
    close(x.grad, 2 * X)


def test_retain_graph_false_gives_the_memory_back(x, close):
    y = xad.sum(xad.exp(x))
    y.backward(retain_graph=False)
    close(x.grad, np.exp(X))
    with pytest.raises(GraphError, match="retain_graph=False"):
        y.backward()
    z = xad.sum(x * x)
    z.gradient(x, retain_graph=False)
    with pytest.raises(GraphError, match="retain_graph=False"):
        z.gradient(x)


def test_create_graph_names_rules_that_it_cannot_follow(x):
    layer = xad.checkpoint(xad.sin)
    with pytest.raises(NotDifferentiableError, match=r"xad\.checkpoint.*create_graph"):
        xad.sum(layer(x)).backward(create_graph=True)


def test_hooks_see_the_whole_gradient_once(x, close):
    seen = []
    x.register_hook(lambda g: seen.append(("x", g)))
    y = x * x
    y.register_hook(lambda g: seen.append(("y", g)))
    xad.sum(y + y).backward()
    assert [name for name, _ in seen] == ["y", "x"]
    assert all(isinstance(g, xad.Tensor) for _, g in seen)
    close(seen[0][1], [2.0, 2.0, 2.0])
    close(seen[1][1], 4 * X)


def test_hooks_may_change_the_gradient(x, close):
    y = x * x
    handle = y.register_hook(lambda g: xad.clip(g, -1.0, 1.0))
    doubled = x.register_hook(lambda g: g * 2.0)
    xad.sum(10.0 * y).backward()
    close(x.grad, 4 * X)
    handle.remove()
    doubled.remove()
    handle.remove()
    x.grad = None
    xad.sum(10.0 * y).backward()
    close(x.grad, 20 * X)


def test_hooks_hold_with_create_graph_and_in_transformations(x, here, close):
    y = x * x
    y.register_hook(lambda g: g * 3.0)
    first = xad.sum(y * x).gradient(x, create_graph=True)
    close(first.detach(), 3 * X * 2 * X + X**2)
    close(xad.sum(first).gradient(x), 12 * X + 3 * 2 * X)  # y passes its hook again

    def f(x):
        y = x * x
        y.register_hook(lambda g: g * 3.0)
        return xad.sum(y)

    close(xad.grad(f)(here.array(X)), 6 * X)
    close(xad.vmap(xad.grad(f))(here.array(X[:, None])), 6 * X[:, None])


def test_a_hook_must_keep_the_shape(x):
    x.register_hook(xad.sum)
    with pytest.raises(ShapeError, match=r"shape \(3,\) or None"):
        xad.sum(x * x).backward()
    with pytest.raises(GraphError, match="requires grad"):
        x.detach().register_hook(print)


def imperative(x):
    """x³ by way of a backward pass: the gradient of Σ t⁴ / 4 at t = x."""
    t = xad.asarray(x, requires_grad=True)
    (xad.sum(t**4) / 4.0).backward()
    return t.grad


def test_backward_inside_transformations(here, close):
    x = here.array(X)
    close(imperative(x), X**3)
    close(xad.grad(lambda x: xad.sum(imperative(x)))(x), 3 * X**2)
    close(xad.jvp(imperative, (x,), (x,))[1], 3 * X**3)
    close(xad.vmap(imperative)(x), X**3)
    close(xad.hessian(lambda x: xad.sum(imperative(x)))(x), np.diag(6 * X))
    close(xad.make_program(imperative)(x)(x), X**3)


def test_inside_a_transformation_its_own_tensors_are_not_walked(here):
    with pytest.raises(GraphError, match=r"xad\.grad or xad\.vjp"):
        xad.grad(lambda x: (xad.sum(x).backward(), xad.sum(x))[1])(here.array(X))
