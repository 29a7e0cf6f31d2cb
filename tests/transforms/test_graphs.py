"""The graph: linear time, no recursion, each rule once, and nothing kept that no rule names."""

import gc
import threading
import time
import weakref

import numpy as np
import pytest

import xad
from xad.errors import ShapeError
from xad.ops.declare import primitives


@pytest.fixture
def count(monkeypatch):
    """Count how often a primitive's backward rule runs."""

    def counting(name):
        calls = []
        original = primitives[name].pullback

        def pullback(node, g):
            calls.append(node.number)
            return original(node, g)

        monkeypatch.setattr(primitives[name], "pullback", pullback)
        return calls

    return counting


def test_a_hundred_thousand_operations_deep(here, close, many):
    def chain(x):
        for _ in range(many):
            x = x * 1.0
        return x

    x = here.array(3.0)
    value, pullback = xad.vjp(chain, x)
    close(pullback(1.0)[0], 1.0)
    del value, pullback  # Freeing the graph must not recurse either.
    gc.collect()


def test_a_deep_graph_of_tensors_is_freed_without_recursion(here, many):
    x = xad.asarray(here.array(3.0), requires_grad=True)
    y = x
    for _ in range(many):
        y = xad.sin(y)
    leaf = weakref.ref(x)
    del x, y
    gc.collect()
    assert leaf() is None


def test_each_rule_of_a_diamond_runs_once(here, close, count):
    calls = count("sin")

    def f(x):
        s = xad.sin(x)
        return s * s + s * x + xad.sin(s)

    x = 0.7
    s, c = np.sin(x), np.cos(x)
    close(xad.grad(f)(here.array(x)), 2 * s * c + c * x + s + np.cos(s) * c)
    assert len(calls) == len(set(calls)) == 2


def test_doubling_sixty_times_is_linear(here, close, count):
    calls = count("add")

    def f(y):
        for _ in range(60):
            y = y + y
        return y

    start = time.perf_counter()
    close(xad.grad(f)(here.array(1.0)), 2.0**60)
    assert time.perf_counter() - start < 1.0  # 2^60 steps would not end.
    assert len(calls) == 60


def test_a_square_counts_both_uses(here, close):
    close(xad.grad(lambda x: x * x)(here.array(3.0)), 6.0)


def test_branches_that_lead_nowhere_are_not_walked(here, close, count):
    calls = count("sin")

    def f(x):
        xad.sin(xad.sin(x))
        return xad.sum(x * 2)

    close(xad.grad(f)(here.array([1.0, 2.0])), [2.0, 2.0])
    assert calls == []


@pytest.fixture
def watched(here):
    """Tensors, and whether the arrays in them are still alive."""
    if here.adapter.name not in ("numpy", "torch"):
        pytest.skip(f"arrays of {here.adapter.name} cannot be watched by weak references")

    def watch(tensor):
        inner = tensor
        while hasattr(inner, "value"):
            inner = inner.value
        return weakref.ref(inner)

    return watch


def test_sums_keep_nothing_alive(here, watched):
    x = xad.asarray(here.array(np.ones(1000)), requires_grad=True)
    big = x * 2.0
    alive = watched(big)
    y = big + 1.0
    z = xad.sum(-y)
    del big
    gc.collect()
    assert alive() is None
    z.backward()
    assert float(x.grad[0]) == -2.0


def test_a_product_with_a_constant_keeps_the_constant_only(here, watched):
    x = xad.asarray(here.array(np.ones(1000)), requires_grad=True)
    constant = xad.Tensor(here.array(np.full(1000, 3.0)))
    big = x + 0.0
    alive, kept = watched(big), watched(constant)
    y = xad.sum(big * constant)
    del big, constant
    gc.collect()
    assert alive() is None
    assert kept() is not None
    y.backward()
    assert float(x.grad[0]) == 3.0


def test_a_product_of_two_tracked_arrays_keeps_both_until_the_graph_goes(here, watched):
    x = xad.asarray(here.array(np.ones(1000)), requires_grad=True)
    big = x + 1.0
    alive = watched(big)
    y = xad.sum(big * big)
    del big
    gc.collect()
    assert alive() is not None
    del y
    gc.collect()
    assert alive() is None


def test_exp_keeps_its_result_and_not_its_operand(here, watched):
    x = xad.asarray(here.array(np.zeros(1000)), requires_grad=True)
    operand = x + 0.0
    result = xad.exp(operand)
    freed, kept = watched(operand), watched(result)
    y = xad.sum(result)
    del operand, result
    gc.collect()
    assert freed() is None
    assert kept() is not None
    y.backward()
    assert float(x.grad[0]) == 1.0


# ---- state --------------------------------------------------------------------------------------


class OopsError(Exception):
    """Raised on purpose."""


@pytest.mark.parametrize(
    "transform",
    [
        xad.grad,
        xad.vmap,
        xad.make_program,
        lambda f: lambda x: xad.jvp(f, (x,), (x,)),
        lambda f: lambda x: xad.vjp(f, x),
    ],
    ids=["grad", "vmap", "make_program", "jvp", "vjp"],
)
def test_an_exception_inside_leaves_nothing_behind(transform, here, close):
    x = here.array([1.0, 2.0])

    def fails(y):
        with xad.no_grad():
            xad.sin(y)
            raise OopsError

    for _ in range(2):
        with pytest.raises(OopsError):
            transform(fails)(x)
        with pytest.raises(OopsError):
            xad.grad(lambda x: xad.sum(transform(fails)(x)))(x)
    close(xad.grad(lambda x: xad.sum(x * x))(x), [2.0, 4.0])
    plain = xad.sin(x)
    assert type(plain) is xad.Tensor
    assert not plain.requires_grad
    tracked = xad.asarray(x, requires_grad=True)
    assert (tracked * 2).requires_grad


def test_an_error_in_a_rule_leaves_nothing_behind(here, close, monkeypatch):
    def broken(node, g):
        raise OopsError

    x = here.array([1.0, 2.0])
    with monkeypatch.context() as patch:
        patch.setattr(primitives["sin"], "pullback", broken)
        with pytest.raises(OopsError):
            xad.grad(lambda x: xad.sum(xad.sin(x)))(x)
    close(xad.grad(lambda x: xad.sum(xad.sin(x)))(x), np.cos([1.0, 2.0]))


def test_an_error_in_an_operation_names_it(here):
    with pytest.raises(ShapeError, match=r"xad\.add: .* \(2,\) and \(3,\)"):
        xad.grad(lambda x: xad.sum(x + here.array([1.0, 2.0, 3.0])))(here.array([1.0, 2.0]))


def test_eight_threads_at_once(here):
    wrong = []
    start = threading.Barrier(8)

    def work(k):
        start.wait()
        x = here.array([0.1 * k, 1.0])
        f = lambda x: xad.sum(xad.sin(x) * x)  # noqa: E731
        expected = 2 * np.cos([0.1 * k, 1.0]) - np.asarray([0.1 * k, 1.0]) * np.sin([0.1 * k, 1.0])
        for turn in range(25):
            inner = lambda x: xad.sum(xad.grad(f)(x))  # noqa: E731
            if (turn + k) % 3 == 0:
                with xad.no_grad():
                    found = xad.grad(inner)(x)
            else:
                found = xad.jvp(xad.grad(f), (x,), (here.array([1.0, 1.0]),))[1]
            if not np.allclose(here.to_host(found), expected, atol=here.tolerance * 10):
                wrong.append((k, turn))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_no_grad_in_one_thread_does_not_reach_another(here):
    entered, done = threading.Event(), threading.Event()

    def hold():
        with xad.no_grad():
            entered.set()
            done.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    assert entered.wait(10)
    try:
        x = xad.asarray(here.array([1.0]), requires_grad=True)
        assert (x * 2).requires_grad
    finally:
        done.set()
        thread.join()
