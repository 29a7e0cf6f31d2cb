"""NumPy's arrays that a graph needs are locked: nobody writes into them until it has gone."""

import gc

import numpy as np
import pytest

import xad

READ_ONLY = "assignment destination is read-only"


pytestmark = pytest.mark.usefixtures("nothing_stays_locked")


def writes(a):
    """Whether ``a`` can be written into."""
    try:
        a[...] = a.copy()
    except ValueError:
        return False
    return True


def array():
    return np.asarray([1.0, 2.0, 3.0])


# ---- entrances -----------------------------------------------------------------------------------


def test_a_leaf_over_an_array():
    a = array()
    x = xad.asarray(a, requires_grad=True)
    assert writes(a)
    y = xad.sum(x * x)
    with pytest.raises(ValueError, match=READ_ONLY):
        a[0] = 5.0
    with pytest.raises(ValueError, match="read-only"):
        a += 1.0
    y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [2.0, 4.0, 6.0])
    assert not writes(a)
    del y
    assert writes(a)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda c: c, id="raw"),
        pytest.param(xad.asarray, id="asarray"),
        pytest.param(xad.Tensor, id="Tensor"),
        pytest.param(xad.stop_gradient, id="stop_gradient"),
        pytest.param(lambda c: xad.astype(c, c.dtype, copy=False), id="astype"),
        pytest.param(lambda c: xad.asarray(c)[::-1], id="view"),
        pytest.param(lambda c: xad.reshape(c, (1, 3)), id="reshape"),
    ],
)
@pytest.mark.parametrize(
    "operation",
    [
        pytest.param(lambda x, c: x * c, id="right"),
        pytest.param(lambda x, c: c * x, id="left"),
        pytest.param(lambda x, c: x / c, id="quotient"),
        pytest.param(lambda x, c: xad.matmul(c, x), id="matmul"),
        pytest.param(lambda x, c: xad.where(c > 1.5, x, c) * c, id="where"),
    ],
)
def test_a_constant_operand(make, operation):
    c = array()
    x = xad.asarray(array() + 1.0, requires_grad=True)
    y = xad.sum(operation(x * 1.0, make(c)))
    assert not writes(c)
    y.backward()
    expected = xad.grad(lambda x: xad.sum(operation(x, make(array()))))(array() + 1.0)
    np.testing.assert_array_equal(x.grad.numpy(), expected)
    del y
    assert writes(c)


def test_indices_and_masks():
    i, mask = np.asarray([2, 0]), np.asarray([True, False, True])
    x = xad.asarray(array(), requires_grad=True)
    y, z = xad.take(x, i), xad.where(mask, x, 0.0)
    assert not i.flags.writeable
    assert not mask.flags.writeable
    del y, z
    assert i.flags.writeable
    assert mask.flags.writeable


def test_what_no_rule_needs_stays_free():
    a, c = array(), array()
    x = xad.asarray(a, requires_grad=True)
    y = x + c
    z = xad.exp(x)
    q = c / (x * 1.0)
    assert writes(a)
    assert writes(c)
    untracked = xad.asarray(a) * c
    assert writes(a)
    assert writes(c)
    with xad.no_grad():
        w = x * c
    assert writes(a)
    del y, z, q, w, untracked


def test_a_view_of_a_leaf_is_behind_the_graph_too():
    a = array()
    x = xad.asarray(a, requires_grad=True)
    y = x[1:] * x[:-1]
    del x
    assert not writes(a)
    del y
    assert writes(a)


def test_several_outputs_and_rules_of_the_users_own():
    a = np.asarray([[2.0, 1.0], [1.0, 3.0]])
    x = xad.asarray(a, requires_grad=True)
    first, second = xad.unstack(x)
    y = first * second
    del first, second
    assert not writes(a)
    del y
    assert writes(a)
    y = xad.checkpoint(lambda x: x * x)(x)
    assert not writes(a)
    del y
    assert writes(a)


# ---- transformations -----------------------------------------------------------------------------


def test_gradients_lock_inputs_and_constants_while_they_run():
    a, c = array(), array()
    seen = []

    def f(x):
        y = xad.sum(x * c)
        seen.extend([writes(a), writes(c)])
        return y

    np.testing.assert_array_equal(xad.grad(f)(a), c)
    assert seen == [False, False]
    assert writes(a)
    assert writes(c)


def test_a_function_that_writes_into_its_input_is_stopped():
    a = array()

    def f(x):
        y = xad.sum(x * x)
        a[0] = 5.0
        return y

    with pytest.raises(ValueError, match=READ_ONLY):
        xad.grad(f)(a)
    assert writes(a)


@pytest.mark.parametrize(
    ("transform", "at"),
    [
        pytest.param(lambda f: xad.grad(xad.grad(f)), 2.0, id="grad of grad"),
        pytest.param(lambda f: xad.vmap(xad.grad(f)), [1.0, 2.0], id="vmap of grad"),
        pytest.param(lambda f: lambda a: xad.jvp(xad.grad(f), (a,), (a,)), 2.0, id="jvp of grad"),
        pytest.param(lambda f: xad.hessian(f), 2.0, id="hessian"),
    ],
)
def test_nested_transformations(transform, at):
    a, c = np.asarray(at), np.asarray(3.0)
    seen = []

    def f(x):
        y = x * x * c
        seen.append(a.flags.writeable or c.flags.writeable)
        return y

    transform(f)(a)
    assert seen
    assert not any(seen)
    assert a.flags.writeable
    assert c.flags.writeable


def test_a_pullback_holds_inputs_constants_and_results():
    a, c = array(), array()
    y, pullback = xad.vjp(lambda x: xad.exp(x) * c, a)
    z, other = xad.vjp(xad.exp, a)
    for x in (a, c, y, z):
        assert not writes(x)
    np.testing.assert_allclose(pullback(np.ones(3))[0], np.exp(a) * c)
    del pullback
    assert not writes(a)
    assert writes(c)
    assert writes(y)
    del other
    assert writes(a)
    assert writes(z)


def test_what_is_passed_through_a_pullback_is_held_too():
    a = array()
    _, pullback, aux = xad.vjp(lambda x: (xad.sum(h := xad.exp(x)), h), a, has_aux=True)
    assert not writes(aux)
    del pullback
    assert writes(aux)


def test_programs_hold_their_constants():
    c = array()
    program = xad.make_program(lambda x: x * c)(array())
    assert not writes(c)
    np.testing.assert_array_equal(program(array()), array() ** 2)
    del program
    assert writes(c)


def test_linearize_holds_the_point():
    a = array()
    _, push = xad.linearize(lambda x: x * x, a)
    assert not writes(a)
    np.testing.assert_array_equal(push(np.ones(3)), 2 * a)
    del push
    assert writes(a)


def test_forward_mode_and_batches_lock_nothing():
    a = array()
    seen = []

    def f(x):
        y = x * x
        seen.append(writes(a))
        return y

    xad.jvp(f, (a,), (a,))
    xad.vmap(f)(a)
    assert seen == [True, True]


# ---- release -------------------------------------------------------------------------------------


def test_released_when_the_graph_dies_without_a_walk():
    a = array()
    x = xad.asarray(a, requires_grad=True)
    y = x * x
    z = y * 2.0
    del y
    assert not writes(a)
    del z
    assert writes(a)
    x * x
    assert writes(a)


def test_released_by_a_walk_that_gives_the_memory_back():
    a, c = array(), array()
    x = xad.asarray(a, requires_grad=True)
    y = xad.sum(x * c * x)
    y.backward(retain_graph=False)
    assert writes(a)
    assert writes(c)


def test_released_by_the_collector_of_garbage():
    a = array()
    cycle = [xad.asarray(a, requires_grad=True)]
    cycle += [cycle[0] * cycle[0], cycle]
    assert not writes(a)
    del cycle
    gc.collect()
    assert writes(a)


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(lambda f, a: xad.grad(f)(a), id="grad"),
        pytest.param(lambda f, a: xad.value_and_grad(f)(a), id="value_and_grad"),
        pytest.param(lambda f, a: xad.vjp(f, a), id="vjp"),
        pytest.param(lambda f, a: xad.make_program(f)(a), id="make_program"),
        pytest.param(lambda f, a: xad.make_program(xad.grad(f))(a), id="program of grad"),
    ],
)
def test_released_after_an_exception_though_its_traceback_lives(run):
    a, c = array(), array()

    def f(x):
        y = xad.sum(x * c * x)
        raise KeyError(y)

    with pytest.raises(KeyError) as caught:
        run(f, a)
    assert caught.value.__traceback__ is not None
    assert writes(a)
    assert writes(c)


def test_released_when_a_gradient_is_refused():
    a = array()
    with pytest.raises(ValueError, match="one number") as caught:
        xad.grad(lambda x: x * x)(a)
    assert caught.tb is not None
    assert writes(a)
