"""Operations declared outside of xad: they do all that xad's own do; and what errors say."""

import dataclasses
import inspect
import pickle
import warnings

import numpy as np
import own_operations
import pytest
from own_operations import OPERATIONS, cube, energy, huber, polar, reordered, second_difference

import xad
from xad import extend
from xad.errors import NonFiniteError, SlowLoopWarning
from xad.ops.declare import primitives
from xad.testing import OpInfo, check_operation, unary_samples

X = np.asarray([0.5, -1.25, 2.0, 0.75])


def test_the_library_uses_the_public_face_alone():
    source = inspect.getsource(own_operations)
    imports = [line for line in source.splitlines() if line.startswith(("import", "from"))]
    allowed = ("from __future__", "import numpy", "from xad import extend", "from xad.testing")
    assert all(line.startswith(allowed) for line in imports)
    kinds = {type(info.function.primitive) for info in OPERATIONS}
    assert kinds == {
        extend.Bilinear, extend.Constant, extend.Elementwise, extend.General, extend.Linear,
        extend.LinearJoint, extend.Several,
    }  # fmt: skip


@pytest.mark.parametrize("info", OPERATIONS, ids=lambda info: info.name)
def test_every_operation_passes_every_check(info, everywhere):
    check_operation(info, everywhere)


def loss(x):
    return xad.sum(cube(second_difference(x, axis=0))) + xad.sum(polar(cube(x), x + 3.0)[0])


def same(x):
    """What ``loss`` computes, in operations of xad."""
    d = x[:-2] - 2 * x[1:-1] + x[2:]
    return xad.sum(d**3) + xad.sum(xad.sqrt(x**6 + (x + 3.0) ** 2))


NESTED = {
    "grad": xad.grad,
    "jvp": lambda f: lambda x: xad.jvp(f, (x,), (x,))[1],
    "hessian": xad.hessian,
    "reverse over reverse": lambda f: xad.jacrev(xad.grad(f)),
    "reverse over forward": lambda f: xad.grad(lambda x: xad.jvp(f, (x,), (x,))[1]),
    "third order": lambda f: xad.jacfwd(xad.hessian(f)),
    "vmap of grad": lambda f: lambda x: xad.vmap(xad.grad(f))(xad.stack([x, 2 * x])),
    "vmap of vmap": lambda f: lambda x: xad.vmap(xad.vmap(f))(xad.stack([xad.stack([x, -x])] * 2)),
    "vmap of hessian": lambda f: lambda x: xad.vmap(xad.hessian(f))(xad.stack([x, 2 * x])),
    "grad of vmap": lambda f: xad.grad(lambda x: xad.sum(xad.vmap(f)(xad.stack([x, 2 * x])))),
    "program of grad": lambda f: lambda x: xad.make_program(xad.grad(f))(x)(2 * x),
    "grad of program": lambda f: lambda x: xad.grad(xad.make_program(f)(x))(2 * x),
    "checkpoint": lambda f: xad.grad(xad.checkpoint(f)),
}


@pytest.mark.parametrize("name", NESTED)
def test_in_every_nesting_it_is_what_xad_computes_itself(name, everywhere):
    x = everywhere.array(X)
    found, expected = (everywhere.to_host(NESTED[name](f)(x)) for f in (loss, same))
    bound = 1e-8 if everywhere.precision == "float64" else 2e-2
    np.testing.assert_allclose(found, expected, rtol=bound, atol=bound)


def test_tensors_that_remember(here, close):
    x = xad.asarray(here.array(X), requires_grad=True)
    xad.sum(cube(x)).backward()
    close(x.grad, 3 * X**2)
    (slope,) = (xad.sum(cube(x)).gradient(x, create_graph=True),)
    close(xad.sum(slope).gradient(x), 6 * X)


def test_numbers_take_the_data_type_beside_them(here):
    x = here.array(X, "float32")
    assert huber(x, 2).dtype == x.dtype == huber(x, np.float64(2.0)).dtype
    whole = here.array([1, 2])
    assert own_operations.product_of_four(whole, 2, True, 3).dtype == whole.dtype
    assert cube(np.float64(2.0)).__array_namespace__().__name__ == "xad[numpy]"
    with xad.use_backend("numpy"):
        assert cube(2.0).item() == 8.0
        assert xad.grad(cube)(2.0).item() == 12.0


def test_the_function_looks_like_what_was_written():
    assert (cube.__name__, cube.__doc__) == ("cube", "The third power.")
    assert str(inspect.signature(second_difference)) == "(x, *, axis=-1)"
    assert pickle.loads(pickle.dumps(cube)) is cube
    assert own_operations.shifted_sine.primitive.name == "own.shifted_sine"


def test_wrong_calls_are_refused(here):
    x = here.array(X)
    with pytest.raises(TypeError, match=r"cube: expected operands \('x',\) by position, got 2"):
        cube(x, x)
    with pytest.raises(TypeError, match=r"expected parameters \('axis',\), got .*'axes'"):
        second_difference(x, axes=0)
    with pytest.raises(TypeError, match="expected an array, got str"):
        cube("x")


def test_wrong_declarations_are_refused():
    with pytest.raises(ValueError, match="'sin', which is one of xad's"):
        extend.elementwise(lambda x: x, name="sin")(lambda xp, x: x)
    with pytest.raises(TypeError, match="an operand for each of 2 slopes"):
        extend.elementwise(1, 1)(lambda xp, x: x)
    with pytest.raises(TypeError, match="a slope to name some of xp, x, y, got 'z'"):
        extend.elementwise(lambda z: z)(lambda xp, x: x)
    with pytest.raises(TypeError, match="xp as the first name"):
        extend.elementwise(lambda x, xp: xp.cos(x))(lambda xp, x: x)
    with pytest.raises(TypeError, match="a function, or an integer"):
        extend.elementwise(0.5)(lambda xp, x: x / 2)
    with pytest.raises(TypeError, match=r"with the namespace xp, got \('x',\)"):
        extend.constant()(lambda x: x)
    with pytest.raises(TypeError, match="vjp rules by operand"):
        extend.general(vjp=lambda g: g)(lambda xp, a, b: a + b)
    with pytest.raises(TypeError, match="got one for 'c'"):
        extend.general(vjp={"c": lambda g: g})(lambda xp, a, b: a + b)
    with pytest.raises(TypeError, match=r"the vjp of a to name some of .*, got 't'"):
        extend.general(vjp={"a": lambda t: t})(lambda xp, a, b: a + b)
    assert "<lambda>" not in primitives


def declared_again(factor):
    @extend.elementwise(lambda x: 0 * x + factor)
    def times(xp, x):
        return factor * x

    return times


def test_a_declaration_may_be_repeated_as_in_a_notebook(here, close):
    first, second = declared_again(2.0), declared_again(3.0)
    close(xad.grad(lambda x: xad.sum(first(x) + second(x)))(here.array(X)), np.full(4, 5.0))


# ---- without a batching rule --------------------------------------------------------------------


@pytest.fixture
def unannounced(monkeypatch):
    """As if no loop had been announced yet."""
    monkeypatch.setattr("xad.core.batching._noticed", set())


def test_without_a_batching_rule_it_is_a_loop_and_says_so_once(here, close, unannounced):
    rows = np.stack([X, 2 * X, -X])
    with pytest.warns(SlowLoopWarning, match="energy runs in a Python loop.*batch=") as caught:
        close(xad.vmap(energy)(here.array(rows)), (rows**2).sum(1))
    assert [w.filename for w in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        close(xad.vmap(energy)(here.array(rows)), (rows**2).sum(1))
        close(xad.vmap(xad.grad(energy))(here.array(rows)), 2 * rows)
    with pytest.warns(SlowLoopWarning, match="reordered"):
        xad.vmap(reordered, in_axes=(None, 0))(here.array(X), here.array([[3, 0, 1, 2]]))


@pytest.mark.filterwarnings("ignore::xad.errors.SlowLoopWarning")
def test_loops_nest_with_other_transformations(here, close):
    rows = np.stack([np.stack([X, 2 * X]), np.stack([-X, 0.5 * X])])
    squares = lambda x: xad.sum(xad.vmap(energy)(x) ** 2)  # noqa: E731
    close(xad.vmap(xad.vmap(energy))(here.array(rows)), (rows**2).sum(-1))
    expected = 4 * rows[0] * (rows[0] ** 2).sum(1, keepdims=True)
    close(xad.grad(squares)(here.array(rows[0])), expected)
    close(
        xad.jvp(squares, (here.array(rows[0]),), (here.array(rows[0]),))[1],
        (expected * rows[0]).sum(),
    )
    close(xad.vmap(xad.hessian(energy))(here.array(rows[0])), np.stack([2 * np.eye(4)] * 2))
    program = xad.make_program(xad.vmap(xad.grad(energy)))(here.array(rows[0]))
    close(program(here.array(rows[1])), 2 * rows[1])


@pytest.mark.filterwarnings("ignore::xad.errors.SlowLoopWarning")
def test_a_loop_over_nothing_knows_its_shape(here):
    assert xad.vmap(energy)(here.array(np.zeros((0, 4)))).shape == (0,)
    gradient = xad.vmap(xad.grad(energy))(here.array(np.zeros((0, 4))))
    assert gradient.shape == (0, 4)
    assert str(gradient.dtype).endswith(here.precision)


# ---- the checks find what is wrong --------------------------------------------------------------


def wrong(**changes):
    return dataclasses.replace(OpInfo("f", unary_samples(), lambda x: x**3), **changes)


def refuses(info, check, exception=AssertionError):
    with pytest.raises(exception) as caught:
        check_operation(info, xad.testing.place("numpy"))
    said = str(caught.value) + "".join(getattr(caught.value, "__notes__", []))
    assert f"check '{check}'" in said


def test_the_checks_find_wrong_values_and_wrong_slopes():
    refuses(wrong(function=cube, reference=lambda x: x**2), "forward")

    @extend.elementwise(lambda x: 3 * x)
    def wrong_slope(xp, x):
        return x * x * x

    refuses(wrong(function=wrong_slope), "vjp")

    @extend.general(vjp=lambda g, x: g * 3 * x**2, jvp=lambda t, x: t * 3 * x, batch=extend.aligned)
    def wrong_jvp(xp, x):
        return x * x * x

    refuses(wrong(function=wrong_jvp), "jvp")


def test_the_checks_find_slopes_that_are_right_to_first_order_only():
    @extend.elementwise(lambda x: 3 * xad.stop_gradient(x) * x)
    def shallow(xp, x):
        return x * x * x

    refuses(wrong(function=shallow), "second order")
    check_operation(wrong(function=shallow, second_order=False), xad.testing.place("numpy"))


def test_the_checks_find_wrong_batching_rules():
    @extend.linear(
        lambda xp, g, like: xp.flip(g, axis=0), batch=extend.aligned
    )  # flips the batch itself
    def upside_down(xp, x):
        return xp.flip(x, axis=0)

    samples = lambda make: [xad.testing.Sample((make.array(3),))]  # noqa: E731
    info = OpInfo("f", samples, lambda x: x[::-1], function=upside_down)
    refuses(info, "batch")


def test_the_checks_find_rules_that_leave_their_device(strict_device):
    @extend.elementwise(lambda xp, x: 3 * xp.asarray(np.asarray(x.shape)) ** 2)
    def elsewhere(xp, x):
        return x * x * x

    with pytest.raises(AssertionError, match="the check 'vjp' raised"):
        check_operation(wrong(function=elsewhere), strict_device)


def test_debug_nans_looks_at_operations_from_outside(here):
    @extend.elementwise(lambda xp, x: 0.5 / xp.sqrt(x))
    def root(xp, x):
        return xp.sqrt(x)

    with xad.debug_nans():
        with pytest.raises(NonFiniteError, match="root: made a NaN"):
            root(here.array([-1.0]))
        with pytest.raises(NonFiniteError, match="root: its reverse rule made an infinity"):
            xad.grad(root)(here.array(0.0))
