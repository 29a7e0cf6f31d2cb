"""vmap: where the mapped axis stands in arguments and results, and what does not fit."""

import dataclasses
import warnings
from typing import NamedTuple

import numpy as np
import pytest

import xad
from xad.errors import AxisError, ConcreteValueError, ShapeError, SlowLoopWarning, TreeError

random = np.random.default_rng(0)
A = random.normal(size=(4, 2, 3))
B = random.normal(size=(4, 3))


def scaled_sum(a, b):
    return xad.sum(a * b, axis=0)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
def test_any_axis_can_be_mapped(here, close, axis):
    a = here.array(np.moveaxis(A, 0, axis))
    close(xad.vmap(scaled_sum, in_axes=(axis, 0))(a, here.array(B)), (A * B[:, None]).sum(1))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_the_mapped_axis_goes_where_out_axes_says(here, close, axis):
    got = xad.vmap(scaled_sum, out_axes=axis)(here.array(A), here.array(B))
    close(got, np.moveaxis((A * B[:, None]).sum(1), 0, axis))


def test_arguments_that_are_not_mapped(here, close):
    got = xad.vmap(scaled_sum, in_axes=(0, None))(here.array(A), here.array(B[0]))
    close(got, (A * B[0]).sum(1))


class Pair(NamedTuple):
    first: object
    second: object


@dataclasses.dataclass
class Model:
    weight: object
    bias: object


def test_in_axes_is_a_tree_like_the_arguments(here, close):
    tree = {"a": here.array(A), "rest": [here.array(B.T), here.array(2.0)]}
    axes = {"a": 0, "rest": [1, None]}
    f = xad.vmap(lambda t: xad.sum(t["a"] * t["rest"][0]) * t["rest"][1], in_axes=(axes,))
    close(f(tree), 2 * (A * B[:, None]).sum((1, 2)))


@pytest.mark.parametrize("kind", [Pair, Model])
def test_in_axes_of_named_containers(here, close, kind):
    names = kind._fields if kind is Pair else ("weight", "bias")
    argument, axes = kind(here.array(A), here.array(B[0])), kind(0, None)
    f = xad.vmap(lambda m: scaled_sum(getattr(m, names[0]), getattr(m, names[1])), in_axes=(axes,))
    close(f(argument), (A * B[0]).sum(1))


def test_one_integer_stands_for_a_subtree(here, close):
    got = xad.vmap(lambda t, s: t["x"] * t["y"] * s, in_axes=(0, None))(
        {"x": here.array(B), "y": here.array(B)}, 2.0
    )
    close(got, 2 * B * B)


def test_out_axes_is_a_tree_like_the_results(here, close):
    f = xad.vmap(
        lambda a, b: {"same": a, "sums": (xad.sum(a, axis=0), b)},
        out_axes={"same": 2, "sums": (1, 0)},
    )
    got = f(here.array(A), here.array(B))
    close(got["same"], np.moveaxis(A, 0, 2))
    close(got["sums"][0], A.sum(1).T)
    close(got["sums"][1], B)


def test_a_result_that_depends_on_nothing_mapped(here, close):
    c = here.array([1.0, 2.0])
    close(xad.vmap(lambda b: c)(here.array(B)), np.broadcast_to([1.0, 2.0], (4, 2)))
    close(xad.vmap(lambda b: c, out_axes=None)(here.array(B)), [1.0, 2.0])
    with pytest.raises(ShapeError, match="out_axes None"):
        xad.vmap(lambda b: b, out_axes=None)(here.array(B))


def test_the_program_sees_no_batch_axis(here):
    seen = []

    def f(x):
        seen.append((x.shape, x.ndim, x.size))
        return xad.sum(x)

    xad.vmap(xad.vmap(f))(here.array(A))
    assert seen == [((3,), 1, 3)]


def test_type_in_type_out(here):
    raw = here.array(B)
    for x in (raw, xad.Tensor(raw)):
        assert type(xad.vmap(lambda x: x + 1)(x)) is type(x)


def test_an_empty_batch(here):
    got = xad.vmap(lambda x: xad.sum(xad.sin(x)))(here.array(np.zeros((0, 3))))
    assert got.shape == (0,)


def test_sizes_that_differ_are_listed_by_leaf(here):
    with pytest.raises(ShapeError, match=r"one length, got \[0\]\['a'\]: 4, \[1\]: 2"):
        xad.vmap(lambda t, b: b)({"a": here.array(A)}, here.array(B[:2]))


def test_an_axis_that_is_not_there(here):
    with pytest.raises(
        AxisError, match=r"argument \[1\] to have the mapped axis 0, got shape \(\)"
    ):
        xad.vmap(lambda a, b: a)(here.array(A), here.array(1.0))
    with pytest.raises(AxisError, match="mapped axis 2"):
        xad.vmap(lambda b: b, in_axes=2)(here.array(B))


def test_nothing_to_map(here):
    with pytest.raises(ShapeError, match="at least one mapped argument"):
        xad.vmap(lambda b: b, in_axes=None)(here.array(B))


def test_in_axes_that_does_not_fit_the_arguments(here):
    with pytest.raises(TreeError, match="expected in_axes"):
        xad.vmap(lambda a, b: a, in_axes=(0, 0, 0))(here.array(A), here.array(B))
    with pytest.raises(TreeError, match="expected in_axes"):
        xad.vmap(lambda t: t["a"], in_axes=({"b": 0},))({"a": here.array(A)})


def test_integers_and_booleans_can_be_mapped(here):
    got = xad.vmap(lambda i: i + 1)(here.array([1, 2, 3]))
    assert here.to_host(got).tolist() == [2, 3, 4]


# ---- how many there are -------------------------------------------------------------------------


def test_axis_size_says_how_many_where_nothing_is_mapped(here, close):
    b = here.array(B[0])
    close(xad.vmap(lambda b: b * 2, in_axes=None, axis_size=3)(b), np.stack([2 * B[0]] * 3))
    close(xad.vmap(lambda b: b * 2, in_axes=None, out_axes=None, axis_size=3)(b), 2 * B[0])
    close(xad.vmap(lambda: xad.sum(b), axis_size=2)(), [B[0].sum()] * 2)
    assert xad.vmap(lambda b: b, in_axes=None, axis_size=0)(b).shape == (0, 3)


def test_axis_size_agrees_with_what_is_mapped(here, close):
    close(xad.vmap(lambda b: b, axis_size=4)(here.array(B)), B)
    with pytest.raises(ShapeError, match=r"one length, got axis_size: 5, \[0\]: 4"):
        xad.vmap(lambda b: b, axis_size=5)(here.array(B))


def test_sizes_of_many_leaves_are_listed_in_short(here):
    layers = [here.array(np.zeros(4)) for _ in range(9)]
    with pytest.raises(ShapeError) as caught:
        xad.vmap(lambda layers, x: x)(layers, here.array(np.zeros(3)))
    assert "[0][0]: 4, [0][1]: 4, [0][2]: 4, 6 more of 4, [1]: 3; say with in_axes" in str(
        caught.value
    )


def test_arguments_by_name_are_mapped_over_their_first_axis(here, close):
    close(xad.vmap(scaled_sum)(here.array(A), b=here.array(B)), (A * B[:, None]).sum(1))
    with pytest.raises(ShapeError, match=r"\[0\]: 4, \['b'\]: 2"):
        xad.vmap(scaled_sum)(here.array(A), b=here.array(B[:2]))


# ---- what is not mapped may be anything ---------------------------------------------------------


def test_what_is_not_mapped_is_passed_on_as_it_is(here, close):
    seen = []

    def f(x, function, word, nothing):
        seen.extend([function, word, nothing])
        return function(x)

    got = xad.vmap(f, in_axes=(0, None, None, None))(here.array(B), xad.sin, "word", None)
    close(got, np.sin(B))
    assert seen == [xad.sin, "word", None]
    with pytest.raises(TypeError, match=r"array to map over at argument \[1\], got str"):
        xad.vmap(lambda x, word: x)(here.array(B), "word")


def test_axes_may_be_numbers_of_any_integer_type_and_lists(here, close):
    got = xad.vmap(scaled_sum, in_axes=[np.int64(-1), None])(here.array(A), here.array([1.0, 2.0]))
    close(got, np.stack([(A[..., i] * [1.0, 2.0]).sum(0) for i in range(3)]))


def test_an_entry_that_does_not_fit_is_named(here):
    tree = {"a": here.array(A), "rest": [here.array(B)]}
    with pytest.raises(TreeError, match=r"expected in_axes\[0\]\['rest'\] to be an integer, None"):
        xad.vmap(lambda t: t["a"], in_axes=({"a": 0, "rest": [0, 0]},))(tree)
    with pytest.raises(TreeError, match=r"out_axes.*like the results"):
        xad.vmap(lambda t: t, out_axes=(0, 0))(here.array(B))


def test_a_number_as_a_result_is_an_array_of_the_arguments_library(everywhere):
    got = xad.vmap(lambda b: (1.5, b))(everywhere.array(B))[0]
    assert everywhere.to_host(got).tolist() == [1.5] * 4
    assert everywhere.adapter.device_of(got) == everywhere.device


# ---- nested -------------------------------------------------------------------------------------


def test_nested_with_different_axes(here, close):
    pairs = xad.vmap(xad.vmap(lambda a, b: xad.sum(a * b), (None, 0)), (0, None))
    close(pairs(here.array(B), here.array(B)), B @ B.T)
    columns = xad.vmap(xad.vmap(lambda a, b: a * b, (0, None), -1), (-1, 0), 1)
    a, b = here.array(A), here.array(B[0])
    close(columns(a, b), np.einsum("ijk,k->jki", A, B[0]))


def test_nested_over_trees_and_under_derivatives(here, close):
    def energy(model, x):
        return xad.sum(xad.sin(model["w"] @ x + model["b"]) ** 2)

    random = np.random.default_rng(1)
    models = {"w": random.normal(size=(5, 2, 3)), "b": random.normal(size=(2, 5))}
    model_axes = {"w": 0, "b": 1}
    rows = {name: here.array(x) for name, x in models.items()}
    gradients = xad.vmap(xad.vmap(xad.grad(energy), (None, 0)), (model_axes, None))
    got = gradients(rows, here.array(B))
    for i in range(5):
        for k in range(4):
            w, b = models["w"][i], models["b"][:, i]
            inner = w @ B[k] + b
            slope = 2 * np.sin(inner) * np.cos(inner)
            close(got["b"][i, k, ...], slope, 1e-6)
            close(got["w"][i, k, ...], np.outer(slope, B[k]), 1e-6)


# ---- control flow -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "function"),
    [
        ("bool()", lambda x: x if x > 0 else -x),
        ("bool()", lambda x: max(x, 0.0 * x)),
        ("bool()", lambda x: x and x),
        ("int()", lambda x: x * int(x)),
        ("float()", lambda x: x * float(x)),
        ("item", lambda x: x * x.item()),
    ],
)
def test_a_value_that_decides_in_python_is_refused_with_a_remedy(wish, function, here):
    with pytest.raises(
        ConcreteValueError, match=r"inside vmap: it has 3 values at once.*xad\.where"
    ):
        xad.vmap(function)(here.array([1.0, -2.0, 3.0]))


def test_where_chooses_for_each_example(here, close):
    f = lambda x: xad.where(x > 0, x, -2 * x)  # noqa: E731
    close(xad.vmap(f)(here.array([1.0, -2.0, 3.0])), [1.0, 4.0, 3.0])


# ---- users' own code that wants one example at a time -------------------------------------------


@pytest.fixture
def unannounced(monkeypatch):
    """As if no loop had been announced yet."""
    monkeypatch.setattr("xad.core.batching._noticed", set())


def newton_root(here):
    def newton(a):
        x = 1.0 + a
        while float(abs(x * x - a)) > 1e-12 * float(a) + 1e-6 * (here.precision == "float32"):
            x = (x + a / x) / 2
        return x

    return xad.custom_root(lambda x, a: x * x - a, newton)


def test_a_solver_that_iterates_until_it_is_done_runs_one_by_one(here, close, unannounced):
    root, x = newton_root(here), np.asarray([1.0, 4.0, 9.0])
    with pytest.warns(SlowLoopWarning, match="xad.custom_root runs in a Python loop") as caught:
        close(xad.vmap(root)(here.array(x)), np.sqrt(x), 1e-4)
    assert len(caught) == 1
    close(xad.vmap(xad.grad(root))(here.array(x)), 0.5 / np.sqrt(x), 1e-4)
    close(xad.grad(lambda x: xad.sum(xad.vmap(root)(x)))(here.array(x)), 0.5 / np.sqrt(x), 1e-4)


def test_a_custom_rule_with_control_flow_runs_one_by_one(here, close, unannounced):
    def steps(x):
        return x * x if float(xad.stop_gradient(x)) > 0 else -x

    f = xad.custom_vjp(steps)
    f.defvjp(
        lambda x: (steps(x), x),
        lambda x, g: (g * (2 * x if float(xad.stop_gradient(x)) > 0 else -1.0),),
    )
    x = here.array([1.0, -2.0, 3.0])
    with pytest.warns(SlowLoopWarning, match="custom_vjp function steps.*values of single"):
        close(xad.vmap(f)(x), [1.0, 2.0, 9.0])
    close(xad.vmap(xad.grad(f))(x), [2.0, -1.0, 6.0])
    close(xad.grad(lambda x: xad.sum(xad.vmap(f)(x)))(x), [2.0, -1.0, 6.0])
    both = xad.stack([x, -x])
    close(xad.vmap(xad.vmap(f))(both), [[1.0, 2.0, 9.0], [1.0, 4.0, 3.0]])
    close(xad.vmap(xad.vmap(xad.grad(f)))(both), [[2.0, -1.0, 6.0], [-1.0, 4.0, -1.0]])
    assert xad.vmap(f)(here.array(np.zeros(0))).shape == (0,)


def test_control_flow_in_one_of_the_two_rules_alone(here, close):
    backward = xad.custom_vjp(lambda x: x * x)
    backward.defvjp(lambda x: (x * x, x), lambda x, g: (g * 2 * (x if float(x) > 0 else 0.0 * x),))
    forward = xad.custom_jvp(lambda x: x * x)
    forward.defjvp(lambda x, t: (x[0] * x[0], t[0] * 2 * (x[0] if float(x[0]) > 0 else 0.0 * x[0])))
    x = here.array([1.0, -2.0, 3.0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SlowLoopWarning)
        close(xad.vmap(xad.grad(backward))(x), [2.0, 0.0, 6.0])
        close(xad.vmap(xad.grad(forward))(x), [2.0, 0.0, 6.0])
        close(xad.vmap(lambda x: xad.jvp(forward, (x,), (x,))[1])(x), [2.0, 0.0, 18.0])
        close(xad.jvp(xad.vmap(forward), (x,), (x,))[1], [2.0, 0.0, 18.0])


def test_checkpoint_is_no_way_around_the_remedy(here):
    f = xad.checkpoint(lambda x: x if x > 0 else -x)
    with pytest.raises(ConcreteValueError, match=r"xad\.where"):
        xad.vmap(f)(here.array([1.0, -2.0]))
