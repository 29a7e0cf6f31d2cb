"""Rules of users' own, checkpoints, and roots: each a call that is one operation."""

import numpy as np
import pytest

import xad
from xad.errors import NotDifferentiableError, TreeError

X = np.asarray([0.5, 1.0, 2.0])
W = np.random.default_rng(0).normal(size=(3, 3))


def nestings(f):
    """Derivatives of a scalar function of a vector in every mode, by name."""
    batch = lambda x: xad.stack([x, 2.0 * x])  # noqa: E731
    return {
        "grad": xad.grad(f),
        "jvp": lambda x: xad.jvp(f, (x,), (x,))[1],
        "hessian": xad.hessian(f),
        "reverse over reverse": xad.jacrev(xad.grad(f)),
        "vmap of grad": lambda x: xad.vmap(xad.grad(f))(batch(x)),
        "grad of vmap": xad.grad(lambda x: xad.sum(xad.vmap(f)(batch(x)))),
        "hessian of vmap": xad.hessian(lambda x: xad.sum(xad.vmap(f)(batch(x)))),
        "program": lambda x: xad.make_program(xad.grad(f))(x)(x),
    }


NESTINGS = sorted(nestings(None))


def root_rule():
    @xad.custom_jvp
    def root(x):
        return xad.sqrt(x)

    @root.defjvp
    def rule(primals, tangents):
        y = root(primals[0])
        return y, tangents[0] / (2 * y)

    return root


@pytest.mark.parametrize("nesting", NESTINGS)
def test_custom_jvp_gives_all_derivatives(nesting, here, close):
    root = root_rule()
    x = here.array(X)
    found = nestings(lambda x: xad.sum(root(x) * x))[nesting](x)
    close(found, here.to_host(nestings(lambda x: xad.sum(xad.sqrt(x) * x))[nesting](x)))


@pytest.mark.parametrize("nesting", [n for n in NESTINGS if n not in ("jvp", "hessian of vmap")])
def test_custom_vjp_gives_reverse_derivatives(nesting, here, close):
    cube = xad.custom_vjp(lambda n, x: x**3 * n, nondiff_argnums=(0,))
    cube.defvjp(
        lambda n, x: (x**3 * n, {"x": x}), lambda n, kept, g: (3.0 * kept["x"] ** 2 * n * g,)
    )
    x = here.array(X)
    found = nestings(lambda x: xad.sum(cube(2.0, x)))[nesting](x)
    close(found, here.to_host(nestings(lambda x: xad.sum(2.0 * x**3))[nesting](x)))


def test_a_rule_may_differ_from_the_function(here, close):
    clipped = xad.custom_vjp(lambda x: x * 10.0)
    clipped.defvjp(lambda x: (x * 10.0, None), lambda _, g: (xad.clip(g, -1.0, 1.0),))
    value, slope = xad.value_and_grad(lambda x: 5.0 * clipped(x))(here.array(2.0))
    close(value, 100.0)
    close(slope, 1.0)


def test_trees_and_none_in_rules(here, close):
    f = xad.custom_vjp(lambda p, n: {"y": p["a"] * n, "z": (p["b"],)})
    f.defvjp(
        lambda p, n: (f.f(p, n), (p, n)),
        lambda kept, g: ({"a": g["y"] * kept[1], "b": g["z"][0]}, None),
    )
    p = {"a": here.array(X), "b": here.array(2.0)}
    loss = lambda p, n: xad.sum(f(p, n)["y"]) + f(p, n)["z"][0] ** 2  # noqa: E731
    by_p, by_n = xad.grad(loss, (0, 1))(p, here.array(3.0))
    close(by_p["a"], [3.0, 3.0, 3.0])
    close(by_p["b"], 4.0)
    close(by_n, 0.0)


def test_base_level_tensors_use_the_rule(here, close):
    x = xad.asarray(here.array(X), requires_grad=True)
    xad.sum(root_rule()(x)).backward()
    close(x.grad, 0.5 / np.sqrt(X))
    assert not root_rule()(xad.asarray(here.array(X))).requires_grad


def test_what_is_missing_or_wrong_is_said(here):
    x = here.array(X)
    with pytest.raises(NotDifferentiableError, match=r"call f\.defvjp"):
        xad.custom_vjp(lambda x: x)(x)
    with pytest.raises(NotDifferentiableError, match=r"call f\.defjvp"):
        xad.custom_jvp(lambda x: x)(x)
    f = xad.custom_vjp(lambda x: x)
    f.defvjp(lambda x: (x, None), lambda _, g: g)
    with pytest.raises(NotDifferentiableError, match=r"xad\.custom_jvp"):
        xad.jvp(f, (x,), (x,))
    with pytest.raises(TreeError, match="a tuple of 1 cotangents"):
        xad.grad(lambda x: xad.sum(f(x)))(x)


def test_a_tracked_array_from_a_closure_is_refused_or_exact(here, close):
    x = here.array(X)
    of_closure = lambda w, x: xad.sum(xad.checkpoint(lambda x: w * x)(x))  # noqa: E731
    close(xad.grad(of_closure, 0)(x, x), X)  # x is a constant: nothing to hold back
    with pytest.raises(NotDifferentiableError, match="pass it as an argument"):
        xad.grad(of_closure, (0, 1))(x, x)


@pytest.mark.parametrize("nesting", NESTINGS)
def test_checkpoint_changes_no_derivative(nesting, here, close):
    w = here.array(W)
    plain = lambda w, x: {"y": xad.tanh(xad.matmul(w, x))}  # noqa: E731
    layer = xad.checkpoint(plain)
    x = here.array(X)
    found = nestings(lambda x: xad.sum(layer(w, layer(w, x)["y"])["y"] ** 2))[nesting](x)
    expected = nestings(lambda x: xad.sum(plain(w, plain(w, x)["y"])["y"] ** 2))[nesting](x)
    close(found, here.to_host(expected))


def test_checkpoint_runs_the_function_twice_and_keeps_its_arguments_only(here):
    calls = []

    def f(x):
        calls.append(type(x))
        return xad.sin(xad.sin(x))

    y, pullback = xad.vjp(xad.checkpoint(f), here.array(X))
    assert len(calls) == 1
    pullback(y)
    assert len(calls) == 2


def test_checkpoint_wants_positional_arguments(here):
    with pytest.raises(TypeError, match=r"functools\.partial"):
        xad.checkpoint(lambda x, n: x * n)(here.array(X), n=2.0)


@pytest.mark.parametrize("nesting", ["grad", "jvp", "hessian", "reverse over reverse"])
def test_derivatives_of_a_root(nesting, here, close):
    root = xad.custom_root(lambda x, a: x * x - a, lambda a: here.xp.sqrt(a))
    x = here.array(X)
    found = nestings(lambda a: xad.sum(root(a)))[nesting](x)
    close(found, here.to_host(nestings(lambda a: xad.sum(xad.sqrt(a)))[nesting](x)))


def iterate(w, b):
    x = np.zeros(3)
    for _ in range(300):
        x = np.tanh(w @ x + b)
    return x


def test_derivatives_of_a_fixed_point(here, close):
    w, b = 0.3 * W, np.asarray([0.1, 0.2, 0.3])

    def solve(w, b):
        return here.array(iterate(here.to_host(w), here.to_host(b)))

    fixed = xad.custom_root(lambda x, w, b: xad.tanh(xad.matmul(w, x) + b) - x, solve)
    loss = lambda w, b: xad.sum(fixed(w, b) ** 2)  # noqa: E731
    found = xad.grad(loss, (0, 1))(here.array(w), here.array(b))
    step = 1e-6
    for i in range(3):
        d = np.zeros(3)
        d[i] = step
        change = np.sum(iterate(w, b + d) ** 2) - np.sum(iterate(w, b - d) ** 2)
        assert here.to_host(found[1])[i] == pytest.approx(change / (2 * step), rel=1e-3)
    _, pushed = xad.jvp(loss, (here.array(w), here.array(b)), (here.array(w), here.array(b)))
    close(pushed, np.sum(here.to_host(found[0]) * w) + np.sum(here.to_host(found[1]) * b), 1e-6)


def test_a_linear_solver_of_ones_own(here, close):
    def jacobi(linear, b):
        x = b
        for _ in range(60):
            x = x + 0.2 * (b - linear(x))
        return x

    root = xad.custom_root(lambda x, a: x * x - a, lambda a: here.xp.sqrt(a), jacobi)
    x = here.array(X)
    close(xad.grad(lambda a: xad.sum(root(a)))(x), 0.5 / np.sqrt(X), 1e-4)


def test_a_root_has_as_many_equations_as_unknowns(here):
    root = xad.custom_root(lambda x, a: xad.sum(x * x - a), lambda a: here.xp.sqrt(a))
    with pytest.raises(xad.errors.ShapeError, match="as many equations as unknowns"):
        xad.grad(lambda a: xad.sum(root(a)))(here.array(X))


def test_what_a_rule_gives_meets_plain_cotangents(everywhere):
    x = xad.asarray(everywhere.array([0.3, 0.5]))

    @xad.custom_jvp
    def sine(x):
        return xad.sin(x)

    sine.defjvp(lambda x, t: (sine(*x), t[0] * xad.cos(x[0])))

    def f(x):
        with xad.no_grad():  # the inner gradient is one of plain arrays, but for the rule
            slope = xad.grad(lambda y: xad.sum(sine(y) * y))(x)
        return xad.sum(slope * x)

    at = np.asarray([0.3, 0.5])
    found = everywhere.to_host(xad.grad(f)(x))
    np.testing.assert_allclose(found, np.cos(at) * at + np.sin(at), rtol=1e-5)


def test_a_function_with_a_rule_of_its_own_is_jitted(here, close):
    f = xad.custom_jvp(lambda x: (xad.sin(x), x * 2))
    f.defjvp(lambda primals, tangents: (f(*primals), (tangents[0], tangents[0] * 2)))
    g = xad.checkpoint(lambda x: xad.sum(f(x)[0] * f(x)[1]))
    x = here.array([1.0, 2.0])
    close(xad.jit(g)(x), here.to_host(g(x)))
    close(xad.jit(xad.grad(g))(x), here.to_host(xad.grad(g)(x)))
