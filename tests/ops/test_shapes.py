"""Functions of shapes and data types, and axes given in tuples."""

import numpy as np
import pytest

import xad
from xad.errors import AxisError, ShapeError


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        ((), ()),
        (((),), ()),
        (((2, 1), (3,), ()), (2, 3)),
        (((0, 1), (1, 4)), (0, 4)),
        (((5,), (1,), (5,)), (5,)),
    ],
)
def test_shapes_that_broadcast(shapes, expected):
    assert xad.broadcast_shapes(*shapes) == expected == np.broadcast_shapes(*shapes)


def test_shapes_that_do_not_broadcast():
    with pytest.raises(ShapeError, match=r"xad\.broadcast_shapes: expected shapes that broadcast"):
        xad.broadcast_shapes((2, 3), (2,))


@pytest.mark.parametrize("axis", [0, -1, (0, 2), (-1, 0), (1, 3), ()])
def test_axes_of_length_one_come_and_go(axis, here):
    x = here.array(np.ones((2, 3)))
    wide = xad.expand_dims(x, axis=axis)
    assert wide.shape == np.expand_dims(np.ones((2, 3)), axis).shape
    assert xad.squeeze(wide, axis=axis).shape == (2, 3)
    assert tuple(xad.grad(lambda x: xad.sum(xad.expand_dims(x, axis=axis)))(x).shape) == (2, 3)


def test_axes_named_twice():
    with pytest.raises(AxisError, match="each axis once"):
        xad.expand_dims(np.ones(2), axis=(0, -3))


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("int8", "int16", True),
        ("int16", "int8", False),
        ("int8", "uint8", False),
        ("uint8", "int16", True),
        ("uint8", "int8", False),
        ("float32", "float64", True),
        ("float64", "float32", False),
        ("float32", "complex64", True),
        ("float64", "complex64", False),
        ("complex64", "float32", False),
        ("bool", "bool", True),
        ("float32", "int32", False),
    ],
)
def test_casts_that_lose_nothing(source, target, expected, here):
    assert xad.can_cast(source, target) is expected
    assert xad.can_cast(getattr(here.xp, source), getattr(here.xp, target)) is expected
