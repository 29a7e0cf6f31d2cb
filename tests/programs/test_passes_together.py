"""The passes on constants, memory and whole programs, and on programs at random: bit for bit."""

from random import Random

import numpy as np
import pytest
from comparing import ODD, agree, names, optimised, recorded

import xad
from xad import special
from xad.programs.optimise import optimise
from xad.programs.passes.apart import kept_apart
from xad.programs.passes.needed import only_needed

pytestmark = pytest.mark.usefixtures("quiet")


# ---- constants -----------------------------------------------------------------------------------


def test_arrays_of_one_number_become_numbers(here, odd):
    ones, zeros = here.array(np.ones((3, 4))), here.array(np.zeros(4))
    half, negative = here.array(np.asarray(0.5)), here.array(np.full((3, 4), -0.0))
    after = optimised(here, lambda x: xad.sin(x * ones) + half, odd)
    assert names(after) == ["sin", "add"]
    assert not after.constants
    assert names(optimised(here, lambda x: xad.sin(x - zeros), odd)) == ["sin"]
    assert names(optimised(here, lambda x: xad.sin(x + zeros), odd)) == ["add", "sin"]
    assert names(optimised(here, lambda x: xad.sin(x + negative), odd)) == ["sin"]


def test_arrays_of_several_numbers_and_of_other_kinds_stay(here, odd):
    mixed = np.zeros((3, 4))
    mixed[1, 2] = -0.0
    for values in (mixed, np.full((3, 4), np.nan), np.arange(12.0).reshape(3, 4)):
        constant = here.array(values)
        assert optimised(here, lambda x, c=constant: x + c, odd).constants
    larger = here.array(np.ones((5, 3, 4)))
    assert names(optimised(here, lambda x: x * larger, odd)) == ["multiply"]
    wider = here.array(np.ones((3, 4)), "float64")
    narrow = here.array(np.reshape(ODD, (3, 4)), "float32")
    assert names(optimised(here, lambda x: x * wider, narrow))[-1:] in (["multiply"], ["copy"])


def test_what_depends_on_constants_alone_is_computed_at_once(here, odd):
    listing = recorded(lambda x, y: x * xad.exp(y), odd, odd)
    _, y = listing.inputs
    known = {y: here.array(np.full((3, 4), 0.25))}
    after = optimise(listing.with_instructions(listing.instructions, constants=known))
    assert names(after) == ["multiply"]
    assert isinstance(after.instructions[0].operands[1], float)


def test_constants_are_not_blown_up(here):
    row = here.array(np.arange(100.0))
    listing = recorded(lambda x: xad.broadcast_to(x, (100, 100)) @ x, row)
    constants = {listing.inputs[0]: row}
    after = optimise(listing.with_instructions(listing.instructions, constants=constants))
    assert all(x.shape in ((100,), (100, 1)) for x in after.constants.values())


# ---- memory --------------------------------------------------------------------------------------


def outputs_apart(here, f, *arguments):
    after = optimised(here, f, *arguments)
    return names(after), len(set(after.outputs))


def test_results_are_no_inputs_unless_they_were(here, odd):
    assert outputs_apart(here, lambda x: x * 1, odd) == (["copy"], 1)
    assert outputs_apart(here, lambda x: x, odd) == ([], 1)
    assert outputs_apart(here, lambda x: xad.reshape(x, (3, 4)), odd) == ([], 1)
    assert outputs_apart(here, lambda x: xad.reshape(x, (12,)) * 1, odd) == (["reshape", "copy"], 1)


def test_results_that_were_apart_stay_apart(here, odd):
    f = lambda x: (xad.sin(x), xad.sin(x))  # noqa: E731
    assert outputs_apart(here, f, odd) == (["sin", "copy"], 2)

    def same(x):
        y = xad.sin(x)
        return y, y

    assert outputs_apart(here, same, odd) == (["sin"], 1)
    f = lambda x: (xad.sin(x).T, xad.sin(x) * 1)  # noqa: E731
    assert outputs_apart(here, f, odd) == (["sin", "permute_dims", "copy"], 2)


def test_results_whose_elements_share_memory_are_written_out(here, odd):
    f = lambda x: xad.broadcast_to(x, (5, 3, 4)) * 3  # noqa: E731
    assert outputs_apart(here, f, odd) == (["multiply", "broadcast_to", "copy"], 1)


def test_folded_constants_are_given_out_as_copies(here, odd):
    listing = recorded(lambda x: xad.exp(x), odd)
    known = {listing.inputs[0]: odd}
    after = optimise(listing.with_instructions(listing.instructions, constants=known))
    assert names(after) == ["copy"]
    assert kept_apart(after, after) is after


# ---- pieces --------------------------------------------------------------------------------------


def test_the_gradient_of_taking_apart_is_put_together(here, tame):
    def gates(x):
        a, b, c = x[:, :1], x[:, 1:3], x[:, 3:]
        return xad.sum(xad.sin(a) * xad.sum(b * b) * c)

    after = optimised(here, xad.grad(gates), tame)
    assert names(after).count("concat") == 1
    assert "place" not in names(after)


def test_the_gradient_of_steps_is_stacked(here, tame):
    def steps(x):
        state = x[0, :]
        for i in (1, 2):
            state = xad.sin(state * x[i, :])
        return xad.sum(state)

    after = optimised(here, xad.grad(steps), tame)
    assert names(after).count("stack") == 1
    assert "place" not in names(after)


def test_pieces_keep_what_adding_zeros_did_to_their_zeros(here, odd):
    def f(x):
        a, b = xad.sin(x[:, :2]), xad.sin(x[:, 2:])
        weights = here.array(np.full((3, 2), -0.0))
        return xad.sum(a * weights) + xad.sum(b * weights)

    assert "concat" in names(optimised(here, xad.grad(f), odd))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: xad.sum(xad.sin(x[:, :3]) * xad.cos(x[:, 1:])),
        lambda x: xad.sum(xad.sin(x[:, :2])) * xad.sum(x[:, 3:]),
        lambda x: xad.sum(xad.sin(x[:, ::2])) * xad.sum(xad.sin(x[:, 1::2])),
        lambda x: xad.sum(xad.sin(x[:, :2])) * xad.sum(xad.sin(x[:1, :])),
        lambda x: xad.sum(xad.sin(x[:, :2])) * xad.sum(xad.sin(x[:, 2:])) * xad.sum(xad.cos(x)),
    ],
    ids=["overlap", "gap", "steps", "other axis", "whole"],
)
def test_pieces_that_do_not_fill_are_added_up(f, here, tame):
    after = optimised(here, xad.grad(f), tame)
    assert "place" in names(after)
    assert not {"concat", "stack"} & set(names(after))


# ---- real programs -------------------------------------------------------------------------------


def network(weights, x, y):
    logits = xad.maximum(x @ weights[0], 0) @ weights[1]
    shifted = logits - xad.max(logits, axis=1, keepdims=True)
    logs = shifted - xad.log(xad.sum(xad.exp(shifted), axis=1, keepdims=True))
    return -xad.mean(xad.sum(y * logs, axis=1))


def test_a_network_written_out(here, tame):
    weights = [tame.T, tame]
    y = here.array(np.eye(3, 4))
    before = recorded(xad.value_and_grad(network), weights, tame, y)
    after = optimise(before)
    agree(here, before, after, *weights, tame, y)
    assert len(after) <= len(before) - 3
    assert "broadcast_to" not in names(after)


def test_ties_of_the_largest_and_nan(here):
    def f(x):
        return xad.sum(xad.max(x, axis=1, keepdims=True) * xad.max(x, axis=0, keepdims=True))

    x = here.array([[1.0, 1.0, -2.0], [np.nan, 3.0, 1.0], [np.inf, np.inf, -0.0], [0.0] * 3])
    after = optimised(here, xad.grad(f), x)
    assert "where" not in names(after)


def test_logistic_regression(here, tame):
    labels = here.array([0.0, 1.0, 1.0])

    def loss(w):
        z = xad.matmul(tame, w)
        losses = xad.logaddexp(xad.zeros_like(z), z) - z * labels
        return xad.mean(losses) + 0.5e-3 * xad.sum(w * w)

    w = tame[0, :]
    gradient = xad.grad(loss)
    assert len(optimised(here, gradient, w)) <= 12
    change = optimised(here, lambda w, v: xad.jvp(gradient, (w,), (v,))[1], w, w)
    assert len(change) <= 19


DERIVATIVES = {
    "softmax": lambda x: xad.grad(lambda x: xad.sum(special.softmax(x, axis=1) ** 2))(x),
    "logsumexp": lambda x: xad.grad(lambda x: xad.sum(special.logsumexp(x, axis=1)))(x),
    "var": lambda x: xad.grad(lambda x: xad.sum(xad.var(x, axis=0)))(x),
    "std": lambda x: xad.grad(lambda x: xad.sum(xad.std(x, axis=1, keepdims=True) * x))(x),
    "hessian": lambda x: xad.hessian(lambda x: xad.sum(xad.tanh(x @ x.T) ** 2))(x),
    "jacobian": lambda x: xad.jacrev(lambda x: xad.sin(x) * xad.sum(x, axis=0))(x),
    "forward": lambda x: xad.jacfwd(lambda x: xad.sin(x) / -xad.sum(x, axis=0))(x),
    "vmap": lambda x: xad.vmap(xad.grad(lambda r: xad.sum(r[1:] * xad.exp(-r[:-1]))))(x),
    "clip": lambda x: xad.grad(lambda x: xad.sum(xad.clip(x, 0.5, 1.0) * abs(x)))(x),
    "prod": lambda x: xad.grad(lambda x: xad.prod(x) / xad.mean(-x))(x),
    "roll": lambda x: xad.grad(lambda x: xad.sum(xad.roll(x, 1, axis=0) * -(x @ x.T @ x)))(x),
}


@pytest.mark.parametrize("name", DERIVATIVES)
def test_derivatives_keep_every_bit(name, here, tame):
    before = recorded(DERIVATIVES[name], tame)
    after = optimise(before)
    agree(here, before, after, tame)
    assert len(after) < len(only_needed(before)) or name in ("clip", "prod", "var")


# ---- at random -----------------------------------------------------------------------------------

STEPS = (
    [lambda a, b, n, f=f: f(a) for f in (xad.exp, xad.sin, xad.tanh, xad.sqrt, xad.square, abs)]
    + [lambda a, b, n, f=f: f(a, b) for f in (xad.maximum, xad.minimum, xad.add, xad.multiply)]
    + [lambda a, b, n: -a, lambda a, b, n: a - b, lambda a, b, n: a / b, lambda a, b, n: a * n]
    + [lambda a, b, n: n * a, lambda a, b, n: a + n, lambda a, b, n: n - a, lambda a, b, n: a - n]
    + [lambda a, b, n: a / n, lambda a, b, n: n / a, lambda a, b, n: -a * b, lambda a, b, n: -a / b]
    + [lambda a, b, n: xad.where(a > n, a, b), lambda a, b, n: xad.where(n >= a, b, 0)]
    + [lambda a, b, n: xad.where(a == 0, 0, a), lambda a, b, n: xad.where(a == b, b, n)]
    + [lambda a, b, n: xad.reshape(xad.reshape(a, (-1,)), (3, 3)), lambda a, b, n: a.T]
    + [lambda a, b, n: a[:, ::-1], lambda a, b, n: a[0:3, :], lambda a, b, n: a[:1, :] + b]
    + [lambda a, b, n: xad.broadcast_to(a[1, :], (3, 3)), lambda a, b, n: xad.flip(a, axis=1)]
    + [lambda a, b, n: xad.concat([a[:, :1], b[:, 1:]], axis=1), lambda a, b, n: a**2]
    + [lambda a, b, n: a - xad.max(a, axis=1, keepdims=True), lambda a, b, n: xad.stop_gradient(a)]
    + [lambda a, b, n: a * xad.sum(b, axis=0, keepdims=True), lambda a, b, n: xad.ones_like(a) * b]
    + [lambda a, b, n: xad.clip(a, -1, 2), lambda a, b, n: a + xad.zeros_like(b)]
)
NUMBERS = (0, 0.0, -0.0, 1, 1.0, -1, 2, 0.5, -3.0, 4)


def random_function(seed):
    """A function of two arrays (3, 3): some of the steps above, one after the other."""
    random = Random(seed)
    plan = [
        (random.choice(STEPS), random.random(), random.random(), random.choice(NUMBERS))
        for _ in range(random.randint(2, 16))
    ]

    def f(x, y):
        values = [x, y]
        for step, i, j, number in plan:
            a, b = (values[-1 - int(k * k * len(values))] for k in (i, j))
            values.append(step(a, b, number))
        return values[-1] * values[-2] + values[len(values) // 2]

    return f


@pytest.mark.parametrize("seed", range(30))
def test_random_programs_keep_every_bit(seed, here):
    f = random_function(seed)
    random = Random(-seed)
    x, y = (here.array([[random.choice(ODD) for _ in range(3)] for _ in range(3)]) for _ in "xy")

    def slopes(x, y):
        return xad.grad(lambda x, y: xad.sum(f(x, y)), argnums=(0, 1))(x, y)

    def change(x, y):
        return xad.jvp(lambda x, y: xad.grad(lambda x: xad.sum(f(x, y)))(x), (x, y), (y, x))

    for g in (f, slopes, change):
        optimised(here, g, x, y)
