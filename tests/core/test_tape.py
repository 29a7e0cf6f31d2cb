"""The walk back, and giving a cotangent the shape and data type that it must have."""

import numpy as np
import pytest

import xad
from xad.core.backward import backward, between
from xad.core.conform import as_array, conform, expand_to, is_complex
from xad.core.tape import Cotangents, Leaf
from xad.core.wrapper import fresh_level

ONE = np.asarray(1.0)


@pytest.fixture
def x():
    leaf = Leaf(ONE)
    return xad.Tensor(ONE, leaf, fresh_level())


def test_seeds_add_up_and_may_lie_on_each_others_way(x):
    y = x * 2.0
    z = y * 3.0
    found = backward([(y.node, ONE), (z.node, ONE), (z.node, ONE)])
    assert found[x.node] == 2 + 2 * 6


def test_no_seeds_find_nothing():
    assert backward([]) == {}


def test_wanted_nodes_are_returned_and_passed_through(x):
    y = x * 2.0
    z = y * 3.0
    found = backward([(z.node, ONE)], wanted=[y.node, z.node])
    assert {node.number: float(g) for node, g in found.items()} == {
        z.node.number: 1.0,
        y.node.number: 3.0,
        x.node.number: 6.0,
    }


def test_only_what_lies_between_is_walked(x):
    side = x * 5.0
    y = x * 2.0
    z = y * side
    inside = between(z.node, [y.node])
    assert inside == {z.node.number, y.node.number}
    assert list(backward([(z.node, ONE)], [y.node], inside).values()) == [5.0]
    everything = between(z.node, [x.node])
    assert everything == {t.node.number for t in (x, side, y, z)}


def test_between_unconnected_nodes_there_is_only_the_end(x):
    other = Leaf(ONE)
    assert between((x * 2.0).node, [other]) == {other.number}


def test_parents_are_older_than_their_children(x):
    z = x * (x * 2.0)
    stack = [z.node]
    while stack:
        node = stack.pop()
        for parent in node.parents:
            if parent is not None:
                assert parent.number < node.number
                stack.append(parent)


def test_cotangents_of_several_outputs_add_place_by_place():
    total = Cotangents((ONE, None, None)) + Cotangents((ONE, ONE, None))
    assert total == (2.0, 1.0, None)


@pytest.mark.parametrize(
    ("given", "shape"),
    [((2, 3), (3,)), ((2, 3), (1, 3)), ((2, 3), ()), ((4, 2, 3), (2, 1)), ((2, 0), (2, 1))],
)
def test_broadcasting_is_undone_by_sums(given, shape):
    g = np.arange(float(np.prod(given))).reshape(given)
    got = conform(g, shape, g.dtype)
    assert got.shape == shape
    back = np.broadcast_to(np.ones(shape), given)
    assert got.sum() == (g * back).sum()
    if shape == (3,):
        assert got.tolist() == g.sum(0).tolist()


def test_promotion_is_undone():
    g = np.asarray([1.0 + 2.0j, 3.0])
    assert conform(g, (2,), np.dtype("float32")).tolist() == [1.0, 3.0]
    assert conform(g, (2,), np.dtype("float32")).dtype == np.float32
    assert conform(g, (2,), np.dtype("complex64")).dtype == np.complex64
    assert conform(g, (2,), g.dtype) is g


def test_a_narrow_cotangent_keeps_its_dtype_while_it_is_summed():
    g = np.ones((2, 3), dtype="float32")
    assert conform(g, (3,), np.dtype("float32")).dtype == np.float32


def test_tangents_grow_to_their_output():
    t = np.asarray([1.0, 2.0], dtype="float32")
    grown = expand_to(t, (3, 2), np.dtype("float64"))
    assert (grown.shape, grown.dtype) == ((3, 2), np.float64)
    assert expand_to(t, (2,), t.dtype) is t


def test_numpy_scalars_become_arrays_again():
    assert type(as_array(np.float64(1.0))) is np.ndarray
    assert as_array(ONE) is ONE


def test_data_types_of_different_libraries_are_told_apart(require_library):
    require_library("array_api_strict")
    strict = xad.testing.place("array_api_strict")
    for dtype, expected in (("float64", False), ("complex64", True), ("complex128", True)):
        for here in (xad.testing.place("numpy"), strict):
            array = here.array([1.0], dtype)
            for _ in range(2):  # Found out, then remembered.
                assert is_complex(array.dtype, array) is expected
