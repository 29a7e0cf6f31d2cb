"""Every composition of the four wrappers, of up to three letters, over nine operations.

A letter takes a function from R^n to R to another one. It does so twice here: once with a
transformation of xad, and once by differences and loops in NumPy, which know nothing of xad.
"""

from __future__ import annotations

import random
from itertools import product

import numpy as np
import pytest

import xad

POINT = np.asarray([0.7, -0.4, 1.1])
DIRECTION = np.asarray([0.5, 1.25, -0.75])
SCALES = np.asarray([1.0, 0.5, -0.75])

# The operations under test, each in a smooth function that is not linear in x. `xp` is either xad
# or NumPy; `array` brings a NumPy constant to where the test runs.
OPERATIONS = {
    "add": lambda xp, array, x: xp.sin(xp.add(x, x * x)),
    "multiply": lambda xp, array, x: xp.multiply(xp.multiply(x, x), xp.sin(x)),
    "sin": lambda xp, array, x: xp.sin(xp.sin(x) * 2.0),
    "sum": lambda xp, array, x: x * xp.sin(xp.sum(x * x)),
    "broadcast_to": lambda xp, array, x: xp.sin(xp.broadcast_to(x, (2, 3)) * array([[1.0], [0.5]])),
    "reshape": lambda xp, array, x: xp.sin(xp.reshape(x, (3, 1)) * xp.reshape(x, (1, 3))),
    "permute_dims": lambda xp, array, x: (
        xp.sin(xp.permute_dims(xp.reshape(x, (1, 3)), (1, 0)) * x)
        * array([[1.0, 2.0, 3.0], [-1.0, 0.5, 0.0], [0.25, 1.5, 1.0]])
    ),
    "matmul": lambda xp, array, x: xp.matmul(
        xp.matmul(xp.reshape(x, (3, 1)), xp.reshape(xp.sin(x), (1, 3))),
        array([[1.0, 2.0], [-1.0, 0.5], [0.25, 1.5]]),
    ),
    "getitem": lambda xp, array, x: xp.sin(x[1:] * x[0]) * x[::2],
}

# Derivatives by differences: the stencil of order eight keeps nine digits three levels deep.
STEP = 0.03
STENCIL = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}


def slope(f):
    """x -> the derivative of ``f`` along DIRECTION."""

    def derivative(x):
        pairs = [
            (c, f(x + k * STEP * DIRECTION) - f(x - k * STEP * DIRECTION))
            for k, c in STENCIL.items()
        ]
        return sum(c * pair for c, pair in pairs) / STEP

    return derivative


NUMERICAL = {
    "grad": slope,
    "jvp": slope,
    "vmap": lambda f: lambda x: sum(f(scale * x) for scale in SCALES),
    "replay": lambda f: f,
}


def transformations(array):
    """The same four by xad. A replay runs on other values than those it was recorded on."""
    direction, scales = array(DIRECTION), array(SCALES[:, None])
    return {
        "grad": lambda f: lambda x: xad.sum(xad.grad(f)(x) * direction),
        "jvp": lambda f: lambda x: xad.jvp(f, (x,), (direction,))[1],
        "vmap": lambda f: lambda x: xad.sum(xad.vmap(f)(xad.multiply(scales, x))),
        "replay": lambda f: lambda x: xad.make_program(f)(xad.multiply(x, 0.5))(x),
    }


LETTERS = tuple(NUMERICAL)
SHORT = [word for length in (1, 2) for word in product(LETTERS, repeat=length)]
LONG = list(product(LETTERS, repeat=3))
CASES = [(name, word) for name in OPERATIONS for word in SHORT] + [
    (name, word)
    for name in OPERATIONS
    for word in random.Random(f"triples of {name}").sample(LONG, 20)
]


def spelled(case):
    """As in ``vmap(grad(sin))``."""
    name, word = case
    return "(".join([*word, name]) + ")" * len(word)


def compose(word, letters, f):
    for letter in reversed(word):
        f = letters[letter](f)
    return f


def numpy_function(name):
    return lambda x: np.sum(OPERATIONS[name](np, np.asarray, x))


@pytest.mark.parametrize("case", CASES, ids=spelled)
def test_composition(case, everywhere):
    name, word = case
    if everywhere.precision == "float32" and len(word) > 2:
        pytest.skip("three derivatives of float32 have too few digits to compare")
    f = compose(
        word,
        transformations(everywhere.array),
        lambda x: xad.sum(OPERATIONS[name](xad, everywhere.array, x)),
    )
    expected = compose(word, NUMERICAL, numpy_function(name))(POINT)
    got = f(everywhere.array(POINT))
    tolerance = 1e-7 if everywhere.precision == "float64" else 2e-3
    np.testing.assert_allclose(everywhere.to_host(got), expected, rtol=tolerance, atol=tolerance)


def test_the_differences_themselves_are_exact_enough():
    cubed = slope(slope(slope(lambda x: np.sum(np.sin(x)))))(POINT)
    assert abs(cubed + np.sum(np.cos(POINT) * DIRECTION**3)) < 1e-9


def test_every_word_of_three_letters_is_sampled_for_some_operation():
    sampled = {word for _, word in CASES if len(word) == 3}
    assert len(sampled) >= 60
