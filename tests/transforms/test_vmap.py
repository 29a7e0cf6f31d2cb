"""vmap: where the mapped axis stands in arguments and results, and what does not fit."""

import dataclasses
from typing import NamedTuple

import numpy as np
import pytest

import xad
from xad.errors import AxisError, ShapeError, TreeError

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
