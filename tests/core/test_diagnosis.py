"""Errors in rules name the operation, and the line that called it; silence ends with the rule."""

import contextlib
import inspect

import numpy as np
import pytest

import xad
from xad import extend
from xad.core.tape import Node
from xad.errors import GraphError, ShapeError, XadError

X = np.asarray([0.5, -1.25, 2.0])


@extend.general(
    vjp=lambda xp, g, x: xp.reshape(g * x, (7,)),
    jvp=lambda xp, t, x: xp.reshape(t * x, (7,)),
    batch=lambda primitive, size, operands, batched, params: operands[0][size:, ...][0],
)
def broken(xp, x):
    return x * x / 2


@extend.general(vjp=lambda xp, g, x: xp.reshape(g * x, (7,)), batch=extend.aligned)
def broken_on_the_way_back(xp, x):
    return x * x / 2


@extend.general(vjp={"x": lambda xp, g, x, y: xp.concat([g, g]), "y": lambda xp, g: xp.sum(g)})
def misshapen(xp, x, y):
    return x * y


def line_of(f):
    """What errors call the line of the function's return statement."""
    lines, start = inspect.getsourcelines(f)
    (offset,) = [i for i, line in enumerate(lines) if "return" in line]
    return f"{f.__code__.co_filename}:{start + offset}, in {f.__name__}"


def notes_of(work, exception=Exception):
    with pytest.raises(exception) as caught:
        work()
    return "\n".join(caught.value.__notes__)


def program(x):
    return xad.sum(broken(x * 2.0))


def test_a_reverse_rule_that_fails_names_its_operation(here):
    x = here.array(X)
    notes = notes_of(lambda: xad.grad(program)(x))
    assert f"in the reverse rule of broken({x.dtype} (3,)), for a cotangent" in notes
    assert "run it inside `with xad.debug_lines():`" in notes
    y = program(xad.asarray(x, requires_grad=True))
    assert "in the reverse rule of broken" in notes_of(y.backward)


@pytest.mark.parametrize("block", [xad.debug_lines, xad.debug_nans])
def test_the_line_of_the_forward_call_is_named_if_it_was_kept(block, here):
    with block():
        notes = notes_of(lambda: xad.grad(program)(here.array(X)))
    assert f"it was called at {line_of(program)}" in notes


@pytest.mark.parametrize("around", [xad.vmap, xad.jacrev])
def test_the_line_is_named_in_nested_transformations_too(around, here):
    def loss(x):
        return xad.sum(broken_on_the_way_back(x))

    with xad.debug_lines():
        notes = notes_of(lambda: around(xad.grad(loss))(here.array([X, X])))
    assert f"it was called at {line_of(loss)}" in notes


def test_lines_are_kept_inside_the_block_only(here):
    before = Node.__init__
    with xad.debug_lines():
        with xad.debug_nans(), xad.debug_lines():
            pass
        y = xad.sin(xad.asarray(here.array(X), requires_grad=True))
        assert __file__ in y.node.line
    assert Node.__init__ is before
    assert not hasattr(xad.sin(y).node, "line")

    @xad.debug_lines()
    def decorated(x):
        return xad.sin(x)

    assert hasattr(decorated(y).node, "line")
    assert Node.__init__ is before


def test_a_forward_rule_that_fails_names_its_operation(here):
    x = here.array(X)
    notes = notes_of(lambda: xad.jvp(program, (x,), (x,)))
    assert "in the forward rule of broken(" in notes
    assert "for tangents (" in notes


def test_a_batching_rule_that_fails_names_its_operation(here):
    rows = here.array([X, X])
    notes = notes_of(lambda: xad.vmap(program)(rows))
    assert "in broken(Batch of " in notes
    assert "under vmap, of 2 examples" in notes


def test_an_operation_inside_vmap_that_does_not_fit(here):
    notes = notes_of(
        lambda: xad.vmap(lambda a, b: a + b)(
            here.array(np.ones((4, 3))), here.array(np.ones((4, 2)))
        )
    )
    assert "in add(" in notes
    assert "of 4 examples" in notes


@pytest.mark.parametrize("place", [0, 1])
def test_a_cotangent_that_does_not_fit_its_operand_is_refused(place, here):
    operands = [here.array(X), here.array(X)]
    with pytest.raises(ShapeError, match=r"the operand's shape \(3,\).*got \((6,)?\)") as caught:
        xad.grad(lambda *xs: xad.sum(misshapen(*xs)), argnums=place)(*operands)
    assert "in the reverse rule of misshapen(" in caught.value.__notes__[-1]
    assert "a constant" in caught.value.__notes__[-1]


def test_a_transpose_of_too_few_cotangents_is_refused(here):
    @extend.linear_joint(lambda xp, g, shapes: [g])
    def added(xp, a, b):
        return a + b

    with pytest.raises(ShapeError, match="expected 2 cotangents, one for each operand, got 1"):
        xad.grad(lambda a: xad.sum(added(a, a)))(here.array(X))


def test_what_is_no_fault_of_a_rule_gets_no_note(here):
    y = xad.sum(xad.sin(xad.asarray(here.array(X), requires_grad=True)))
    y.backward(retain_graph=False)
    with pytest.raises(GraphError) as caught:
        y.backward()
    assert not hasattr(caught.value, "__notes__")

    def hook(g):
        raise XadError("mine")

    x = xad.asarray(here.array(X), requires_grad=True)
    y = xad.sin(x)
    y.register_hook(hook)
    with pytest.raises(XadError, match="mine") as caught:
        xad.sum(y * 2.0).backward()
    assert not any("sin" in note for note in getattr(caught.value, "__notes__", []))


def test_a_scalar_of_numpy_beside_a_number_stays_with_numpy(here):
    program = xad.make_program(lambda x: 3 * (x * x))(np.asarray(2.0))
    assert type(program(np.asarray(4.0))).__module__ == "numpy"
    assert float(program(np.asarray(4.0))) == 48.0


# ---- silence ------------------------------------------------------------------------------------


class Interrupted(contextlib.ContextDecorator):
    """NumPy silenced, and Ctrl-C before the block begins."""

    def __enter__(self):
        np.seterr(all="ignore")
        raise KeyboardInterrupt

    def __exit__(self, *_):
        raise AssertionError("the block never began")


@pytest.mark.parametrize(
    "work",
    [
        lambda x: xad.jvp(xad.sin, (x,), (x,)),
        lambda x: xad.grad(lambda x: xad.sum(xad.sin(x)))(x),
    ],
    ids=["jvp", "grad"],
)
def test_ctrl_c_on_the_way_into_a_rule_leaves_numpy_as_it_was(work, monkeypatch):
    monkeypatch.setattr(
        "xad.backend.numpy_adapter.NumpyAdapter.around_rules", lambda self, x: Interrupted()
    )
    before = np.geterr()
    with pytest.raises(KeyboardInterrupt):
        work(X)
    assert np.geterr() == before


def test_warnings_of_users_own_are_heard_inside_jvp_and_rules_are_not():
    def f(x):
        with pytest.warns(RuntimeWarning, match="divide"):
            np.asarray([1.0]) / np.asarray([0.0])
        return xad.sqrt(x)

    _, moved = xad.jvp(f, (np.asarray([0.0]),), (np.asarray([1.0]),))
    assert np.isinf(moved).all()


def test_what_a_rule_sets_for_itself_does_not_leave_it():
    @extend.general(vjp=lambda g: g, jvp=lambda t: (np.seterr(all="raise"), t)[1])
    def rude(xp, x):
        return x

    before = np.geterr()
    xad.jvp(rude, (X,), (X,))
    assert np.geterr() == before
