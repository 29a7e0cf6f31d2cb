"""Functions with rules of their own, in programs: with closures over what is recorded, too."""

import numpy as np
import pytest

import xad
from xad.programs.summary import summarised


@pytest.fixture
def x(here):
    return here.array([0.5, 1.5])


def both(f, *arguments):
    """What the eager function gives, and what its programs do at these and at other arguments."""
    jitted, program = xad.jit(f), xad.make_program(f)(*arguments)
    for scale in (1.0, 2.0, 1.0):
        given = [a * scale for a in arguments]
        yield f(*given), jitted(*given)
        yield f(*given), program(*given)


@xad.custom_vjp
def scaled(x, by):
    return x * by


scaled.defvjp(lambda x, by: (x * by, by), lambda by, g: (g * by, None))


def by_root(x, a):
    """The square root of ``a``, by steps that begin at ``x``."""

    def solve(x):
        for _ in range(40):
            x = xad.add(x, xad.divide(a, x)) / 2
        return x

    return xad.custom_root(lambda y, x: xad.multiply(y, y) - a, solve)(x)


CLOSURES = {
    "checkpoint": lambda w, x: xad.checkpoint(lambda x: xad.tanh(x * w))(x),
    "only what is outside": lambda w, x: xad.checkpoint(lambda x: w)(x),
    "a gradient by it": lambda w, x: xad.grad(
        lambda w: xad.sum(xad.checkpoint(lambda x: xad.tanh(x * w))(x))
    )(w),
    "a batch": lambda w, x: xad.vmap(xad.checkpoint(lambda x: xad.sin(x * w)))(x),
    "a tangent": lambda w, x: xad.jvp(xad.checkpoint(lambda x: x * w * w), (x,), (w,))[1],
    "a rule": lambda w, x: xad.grad(lambda x: xad.sum(scaled(x * w, w)))(x),
    "a root": lambda w, x: by_root(x + 1, w),
}


@pytest.mark.parametrize("name", CLOSURES)
def test_closures_over_recorded_arrays(name, x, here, close):
    for expected, got in both(CLOSURES[name], x, x + 1):
        close(got, here.to_host(expected))


def test_arguments_that_are_not_differentiated(x, here, close):
    clipped = xad.custom_vjp(lambda x, low: xad.maximum(x, low), nondiff_argnums=(1,))
    clipped.defvjp(lambda x, low: (clipped(x, low), None), lambda low, _, g: (g * low,))
    f = lambda x, low: xad.grad(lambda x: xad.sum(clipped(x, low)))(x)  # noqa: E731
    jitted = xad.jit(f)
    for low in (0.5, 0.25, x):
        close(jitted(x, low), here.to_host(f(x, low)))


def test_a_number_that_is_asked_for_inside(x, here, close):
    jitted = xad.jit(lambda x, n: xad.checkpoint(lambda x: x * 2 if n > 2 else x)(x))
    for n in (3.0, 1.0, 4.0):
        close(jitted(x, n), here.to_host(x) * (2 if n > 2 else 1))


def test_what_asks_for_values_is_run_as_one_operation():
    def solve(a):
        y = np.asarray(a) * 1.0
        while np.max(np.abs(y * y - a)) > 1e-12:
            y = y - (y * y - a) / (2 * y)
        return y

    with xad.use_backend("numpy"):
        root = xad.jit(xad.custom_root(lambda y, a: y * y - a, solve))
        for a in ([4.0, 9.0], [1.0, 16.0]):
            np.testing.assert_allclose(root(np.asarray(a)), np.sqrt(a))


def test_checkpoints_save_memory_in_programs_too(here, close):
    def layer(w, x):
        return xad.tanh(xad.sin(xad.multiply(x, w)) * xad.exp(-x))

    def loss(w, x, layer):
        for _ in range(12):
            x = layer(w, x)
        return xad.sum(x)

    x, w = here.array(np.linspace(0, 1, 1000)), here.array(np.linspace(1, 2, 1000))
    peaks = []
    expected = here.to_host(xad.grad(lambda w: loss(w, x, layer))(w))
    for each in (layer, xad.checkpoint(layer)):
        jitted = xad.jit(xad.grad(lambda w, x, each=each: loss(w, x, each)))
        close(jitted(w, x), expected)
        peaks.append(summarised(jitted.listing).peak)
    assert peaks[1] < peaks[0] / 2


def test_a_checkpoint_in_a_program_has_derivatives_and_batches(here, close):
    f = xad.checkpoint(lambda x: xad.sin(x) * x)
    x = here.array([0.5, 1.5])
    for wanted in (
        xad.grad(lambda x: xad.sum(xad.grad(lambda x: xad.sum(f(x)))(x) ** 2)),
        lambda x: xad.jvp(xad.grad(lambda x: xad.sum(f(x))), (x,), (x,))[1],
        xad.vmap(xad.grad(f)),
        lambda x: xad.hessian(lambda x: xad.sum(f(x)))(x),
    ):
        close(xad.jit(wanted)(x), here.to_host(wanted(x)))
        program = xad.make_program(wanted)(x)
        close(program(x), here.to_host(wanted(x)))
        slope = xad.grad(lambda x, run: xad.sum(run(x)))
        close(slope(x, program), here.to_host(slope(x, wanted)))
