"""Write locks on NumPy's arrays: counted, with their bases, and given back in any order."""

import sys
import threading

import numpy as np
import pytest

import xad
from xad.backend import locks

pytestmark = pytest.mark.usefixtures("nothing_stays_locked")


def writes(a):
    """Whether ``a`` can be written into, now or after the next operation that locks something."""
    locks.settle()
    try:
        a[...] = a.copy()
    except ValueError:
        return False
    return True


def array():
    return np.asarray([1.0, 2.0, 3.0])


# ---- several graphs, views, flags ----------------------------------------------------------------


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (1, 2, 0)])
def test_the_last_of_several_graphs_releases(order):
    a = array()
    graphs = [
        xad.asarray(a, requires_grad=True) * a,
        xad.vjp(lambda x: x * x, a)[1],
        xad.asarray(array(), requires_grad=True) * a,
    ]
    for i in order:
        assert not writes(a)
        graphs[i] = None
    assert writes(a)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("view_first", [True, False])
def test_a_view_and_its_base_in_two_graphs(order, view_first):
    base = np.arange(6.0)
    view = base[2:5]
    x = xad.asarray(array(), requires_grad=True)
    graphs = [x * view, xad.sum(x) * base] if view_first else [xad.sum(x) * base, x * view]
    assert not writes(base)
    assert not writes(view)
    held = [view_first, not view_first]
    graphs[order[0]] = None
    if held[order[0]]:  # The view's graph has gone: its memory is still needed through the base.
        assert not writes(view)
    assert not writes(base)
    graphs[order[1]] = None
    assert writes(base)
    assert writes(view)


def test_bases_through_subclasses_are_locked_and_released_in_order():
    class Mine(np.ndarray):
        pass

    owner = np.arange(6.0)
    middle = owner.view(Mine)
    top = middle[1:4].view(np.ndarray)
    x = xad.asarray(array(), requires_grad=True)
    first = x * top
    second = xad.sum(x) * owner
    for a in (owner, middle, top):
        assert not a.flags.writeable
    del first
    assert not owner.flags.writeable
    del second
    for a in (owner, middle, top):
        assert a.flags.writeable


def test_read_only_before_is_read_only_after():
    a = array()
    a.flags.writeable = False
    xad.grad(lambda x: xad.sum(x * x))(a)
    assert not a.flags.writeable
    base = array()
    view = base[:]
    view.flags.writeable = False
    y = xad.asarray(array(), requires_grad=True) * view
    assert not writes(base)
    del y
    assert writes(base)
    assert not view.flags.writeable
    spread = np.broadcast_to(base, (2, 3))
    y = xad.asarray(array(), requires_grad=True) * spread
    assert not writes(base)
    del y
    assert writes(base)


def test_a_read_only_view_of_a_base_that_is_locked_already():
    base = array()
    view = base[:]
    view.flags.writeable = False
    x = xad.asarray(array(), requires_grad=True)
    first = x * base
    second = x * view
    del first
    assert not writes(base)
    third = x * base
    del second
    assert not writes(base)
    del third
    assert writes(base)


def test_memory_that_is_not_numpys():
    memory = bytearray(24)
    a = np.frombuffer(memory)
    y = xad.asarray(array(), requires_grad=True) * a
    assert not writes(a)
    del y
    assert writes(a)
    fixed = np.frombuffer(bytes(24))
    xad.asarray(array(), requires_grad=True) * fixed
    assert not fixed.flags.writeable


def test_memory_of_a_library_that_could_not_be_unlocked_is_left_alone(require_library):
    require_library("torch")
    import torch

    a = torch.ones(3, dtype=torch.float64).numpy()
    y = xad.asarray(array(), requires_grad=True) * a
    del y
    assert writes(a)


def test_the_same_array_as_a_leaf_twice_and_as_its_own_factor():
    a = array()
    gradients = xad.grad(lambda x, y: xad.sum(x * y * a), (0, 1))(a, a)
    for g in gradients:
        np.testing.assert_array_equal(g, a * a)
        g += 1.0
    assert writes(a)


def test_scalars_of_numpy_are_numbers():
    x = xad.asarray(array(), requires_grad=True)
    y = x * np.float64(2.0) * np.asarray(3.0)
    xad.sum(y).backward()
    np.testing.assert_array_equal(x.grad.numpy(), [6.0, 6.0, 6.0])


# ---- xad's own writes ----------------------------------------------------------------------------


def test_tensors_are_assigned_to_as_ever():
    a = array()
    x = xad.asarray(a, requires_grad=True)
    t = xad.asarray(array())
    y = xad.sum(x * t)
    t[0] = 9.0
    t += 1.0
    with xad.no_grad():
        x -= 0.5
    y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), array())
    np.testing.assert_array_equal(t.numpy(), [10.0, 3.0, 4.0])
    np.testing.assert_array_equal(x.detach().numpy(), a - 0.5)


def test_gradients_can_be_written_into():
    a = array()
    g = xad.grad(lambda x: xad.sum(x))(a)
    g += 1.0
    (g,) = xad.vjp(lambda x: x[::-1], a)[1](np.ones(3))
    g += 1.0


def test_threads_share_one_array():
    a = array()
    wrong = []
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def use():
        x = xad.asarray(a, requires_grad=True)
        y = xad.sum(x * a)
        if a.flags.writeable:
            wrong.append("not locked")
        y.backward()
        xad.grad(lambda x: xad.sum(x * a))(a)

    def work():
        with xad.use_backend("numpy"):
            for _ in range(200):
                use()

    threads = [threading.Thread(target=work) for _ in range(4)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not wrong
    assert writes(a)
