"""The passes, rule by rule: programs as they are recorded, and with nothing superfluous left.

Every rewriting here is exact: results agree in each bit, on zeros of both signs, infinities and
nan too.
"""

import numpy as np
import pytest
from comparing import names, optimised, recorded

import xad
from xad.programs.optimise import optimise
from xad.programs.passes.needed import only_needed

pytestmark = pytest.mark.usefixtures("quiet")


SIMPLER = {
    # arithmetic
    "minus minus": (lambda x: xad.exp(xad.negative(-x)), ["exp"]),
    "times 1": (lambda x: xad.exp(1 * (x * 1.0)), ["exp"]),
    "times -1": (lambda x: x * -1, ["negative"]),
    "a sign into a factor": (lambda x: (-x) * 3.0, ["multiply"]),
    "a sign out of a product into its factor": (lambda x: -(x * 3), ["multiply"]),
    "a sign into 0": (lambda x: -x * 0, ["multiply"]),
    "two signs": (lambda x: -x * -xad.sin(x), ["sin", "multiply"]),
    "two signs in a quotient": (lambda x: -x / -xad.sin(x), ["sin", "divide"]),
    "over 1": (lambda x: xad.exp(x / 1), ["exp"]),
    "over -1": (lambda x: x / -1.0, ["negative"]),
    "over a power of two": (lambda x: x / 8, ["multiply"]),
    "over another number": (lambda x: x / 3, ["divide"]),
    "a sign into a divisor": (lambda x: -x / 3, ["divide"]),
    "a sign into a numerator": (lambda x: 3 / -x, ["divide"]),
    "minus 0": (lambda x: xad.exp(x - 0), ["exp"]),
    "plus 0, which changes -0.0": (lambda x: x + 0, ["add"]),
    "plus -0.0, which changes nothing": (lambda x: xad.sin(x + -0.0), ["sin"]),
    "plus 0 where there is no -0.0": (lambda x: xad.sin(xad.exp(x) + 0), ["exp", "sin"]),
    "plus 0 twice": (lambda x: (x + 0) + 0, ["add"]),
    "plus 0 where nobody sees it": (lambda x: xad.exp(x + 0), ["exp"]),
    "0 minus, which is no sign": (lambda x: 0 - x, ["subtract"]),
    "plus minus": (lambda x: xad.sin(x) + -x, ["sin", "subtract"]),
    "minus plus": (lambda x: -x + xad.sin(x), ["sin", "subtract"]),
    "minus minus in a difference": (lambda x: xad.sin(x) - -x, ["sin", "add"]),
    "to the 1": (lambda x: xad.sin(x**1), ["sin"]),
    "to the 2": (lambda x: x**2, ["multiply"]),
    "to the 3": (lambda x: x**3, ["pow"]),
    "plus": (lambda x: xad.sin(+x), ["sin"]),
    "the real part of what is real": (lambda x: xad.sin(xad.conj(x)), ["sin"]),
    "twice without sign": (lambda x: abs(abs(x)), ["abs"]),
    "without a sign that was changed": (lambda x: abs(-x), ["abs"]),
    "the square of a negative": (lambda x: xad.square(-x), ["square"]),
    "the larger of the same": (lambda x: xad.sin(xad.maximum(x, x)), ["sin"]),
    # signs
    "a sign through a product": (
        lambda x: xad.sin(x) + (-x * xad.exp(x)) * xad.cos(x),
        ["sin", "exp", "multiply", "cos", "multiply", "subtract"],
    ),
    "a sign of one term": (
        lambda x: xad.exp(x) - (x * xad.sin(x) + -x / xad.cos(x)),
        ["exp", "sin", "multiply", "cos", "divide", "subtract", "subtract"],
    ),
    "a sign that a result shows": (
        lambda x: (-x, xad.sin(x) + -x),
        ["negative", "sin", "subtract"],
    ),
    "a sign through views": (
        lambda x: xad.sin(x.T) + xad.permute_dims(-x * xad.exp(x), (1, 0)),
        ["permute_dims", "sin", "exp", "multiply", "permute_dims", "subtract"],
    ),
    # shapes
    "the same shape": (lambda x: xad.sin(xad.reshape(x, (3, 4))), ["sin"]),
    "shape after shape": (
        lambda x: xad.sin(xad.reshape(xad.reshape(x, (12,)), (4, 3))),
        ["reshape", "sin"],
    ),
    "there and back": (lambda x: xad.sin(xad.reshape(xad.reshape(x, (12,)), (3, 4))), ["sin"]),
    "transposed twice": (lambda x: xad.sin(x.T.T), ["sin"]),
    "all of it": (lambda x: xad.sin(x[:, 0:4]), ["sin"]),
    "backwards is not all of it": (lambda x: xad.sin(x[::-1]), ["flip", "sin"]),
    "backwards twice": (lambda x: xad.sin(xad.flip(xad.flip(x, axis=0), axis=0)), ["sin"]),
    "backwards another way": (
        lambda x: xad.flip(xad.flip(x, axis=0), axis=1),
        ["flip", "flip"],
    ),
    "broadcast by itself": (
        lambda x: x * xad.broadcast_to(x[:1, :], (3, 4)),
        ["getitem", "multiply"],
    ),
    "broadcast afterwards": (
        lambda x: xad.sum(xad.broadcast_to(x, (5, 3, 4)) * 3, axis=0),
        ["multiply", "broadcast_to", "sum"],
    ),
    "broadcast where nothing else has the shape": (
        lambda x: xad.tanh(xad.broadcast_to(x[0, :], (3, 4))),
        ["getitem", "broadcast_to", "tanh"],
    ),
    "constant for derivatives": (lambda x: xad.sin(xad.stop_gradient(x)), ["sin"]),
    "cast to what it is": (lambda x: xad.sin(xad.astype(x, x.dtype)), ["sin"]),
    # choices
    "the same either way": (lambda x: xad.sin(xad.where(x > 0, x, x)), ["sin"]),
    "0 where it is 0": (lambda x: xad.where(x == 0, 0, x), ["add"]),
    "-0.0 where it is 0": (lambda x: xad.where(x == 0, -0.0, x), ["equal", "where"]),
    "not not": (
        lambda x: xad.where(xad.logical_not(xad.logical_not(x > 0)), x, 0),
        ["greater", "where"],
    ),
    "if not": (lambda x: xad.where(xad.logical_not(x > 0), x, 0), ["greater", "where"]),
    "a comparison turned": (
        lambda x: xad.where(x > 1, x, 0) + xad.where(x > 1, x, 2),
        ["greater", "where", "where", "add"],
    ),
    # repeated
    "the same twice": (lambda x: xad.sin(x) / xad.sin(x), ["sin", "divide"]),
    "the same in another order": (
        lambda x: (x * xad.sin(x)) / (xad.sin(x) * x),
        ["sin", "multiply", "divide"],
    ),
    "not the same order": (
        lambda x: (x - xad.sin(x)) / (xad.sin(x) - x),
        ["sin", "subtract", "subtract", "divide"],
    ),
    "the larger, whichever comes first": (
        lambda x: xad.maximum(x, abs(x) * 0) / xad.maximum(abs(x) * 0, x),
        ["abs", "multiply", "maximum", "maximum", "divide"],
    ),
    "numbers that are equal but not the same": (
        lambda x: (x + 0.0) / (x - -0.0) / (x + 0),
        ["add", "subtract", "divide", "add", "divide"],
    ),
    "parameters that differ": (
        lambda x: xad.sum(x, axis=0) / xad.sum(x[:, :], axis=(0,), keepdims=True),
        ["sum", "sum", "divide"],
    ),
}


@pytest.mark.parametrize("name", SIMPLER)
def test_operations_that_are_left(name, here, odd):
    f, expected = SIMPLER[name]
    assert names(optimised(here, f, odd)) == expected


def test_integers_and_booleans(here):
    n = here.array([3, 0, -2], "int32")
    flags = here.array([True, False, True], "bool")
    assert names(optimised(here, lambda n: (n + 0) * 1 - 0, n)) == ["copy"]
    assert names(optimised(here, lambda n: -(n * 3), n)) == ["multiply", "negative"]
    assert names(optimised(here, lambda n: xad.sum(+xad.negative(-n)), n)) == ["sum"]
    assert names(optimised(here, lambda p: xad.logical_and(p, p) | p, flags)) == ["copy"]


def test_what_changes_the_data_type_stays(here):
    x = here.array([1.5, -0.0], "float32")
    n = here.array([3, 0], "int32")
    assert names(optimised(here, lambda n: xad.astype(n, x.dtype), n)) == ["astype"]
    assert names(optimised(here, lambda x: xad.astype(x > 0, x.dtype), x)) == ["greater", "astype"]


def test_complex_numbers_keep_their_zeros_and_infinities(here):
    if not hasattr(here.xp, "complex64"):
        pytest.skip("no complex numbers")
    z = here.array([complex(0.0, -0.0), complex(-0.0, np.inf), 1 - 2j], "complex64")
    for f in (lambda z: z * 1, lambda z: z / 1, lambda z: z - 0, lambda z: z**1):
        before = recorded(f, z)
        assert names(optimise(before)) == names(before)
    assert names(optimised(here, lambda z: xad.exp(xad.negative(-z)), z)) == ["exp"]


def test_what_nobody_needs_is_left_out(here, odd):
    def f(x):
        xad.exp(x) + here.array(np.ones((3, 4)))
        return xad.sin(x)

    listing = only_needed(recorded(f, odd))
    assert names(listing) == ["sin"]
    assert not listing.constants
    assert only_needed(listing) is listing


def test_an_optimised_program_is_left_as_it_is(here, tame):
    listing = optimise(recorded(xad.grad(lambda x: xad.sum(xad.tanh(x @ x.T) ** 2)), tame))
    assert optimise(listing) is listing


# ---- what is not to be touched -------------------------------------------------------------------


def test_operations_that_are_not_registered_are_left_alone(here, odd):
    @xad.custom_vjp
    def square(x):
        return x * x

    square.defvjp(lambda x: (x * x, x), lambda x, g: (3 * g * x,))
    after = optimised(here, lambda x: (square(x), square(x)), odd)
    assert len(set(after.outputs)) == 2
