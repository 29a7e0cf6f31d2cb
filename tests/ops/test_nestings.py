"""Transformations inside each other, for every operation.

With J(x) the Jacobian of a call at its operands, ``pulled(x, g)`` is J(x)^T g and ``pushed(x, t)``
is J(x) t, both as functions of two arguments: in the middle of a program what arrives moves too.
Their derivatives are compared with differences, what is mapped with a loop. One transformation
alone, and derivatives by the operands alone, are in test_derivatives.py and test_compositions.py.
"""

import numpy as np
import pytest
from calls import DOUBLE, assert_same, random_like, several_seeds, subsets
from test_derivatives import CASES, EVERY, has_digits, limits, moving_calls

import xad
from xad.testing import check_grads

BATCH = 2
AT_MOST = 3

MAPPABLE = [(info, kind) for info, kind in CASES if not info.data_dependent]
EVERY_MAPPABLE = pytest.mark.parametrize(
    ("info", "kind"), MAPPABLE, ids=[f"{info.name}-{DOUBLE[kind]}" for info, kind in MAPPABLE]
)


def representative(items, call_of=lambda item: item):
    """The smallest call of each set of keywords, then of each tuple of ranks: a few in all.

    Empty operands are left to other tests, and so are those without axes if there are any with.
    """
    chosen = {}
    ordered = sorted(items, key=lambda item: sum(x.size for x in call_of(item).hosts))
    ordered.sort(key=lambda item: all(x.ndim == 0 for x in call_of(item).hosts))
    full = [item for item in ordered if all(x.size for x in call_of(item).hosts)]
    for item in full:
        chosen.setdefault(tuple(sorted(call_of(item).sample.keywords)), item)
    for item in full:
        chosen.setdefault(tuple(x.ndim for x in call_of(item).hosts), item)
    assert chosen, "no sample has elements to differentiate"
    once = {id(item): item for item in chosen.values()}
    return list(once.values())[:AT_MOST]


def pulled(call):
    """(operands, cotangents) -> cotangents of the operands."""
    f, _ = call.of_moving()
    return lambda operands, cotangents: tuple(xad.vjp(f, *operands)[1](tuple(cotangents)))


def pushed(call):
    """(operands, tangents) -> tangents of the outputs."""
    f, _ = call.of_moving()
    return lambda operands, tangents: xad.jvp(f, tuple(operands), tuple(tangents))[1]


def seeds_for(derivative, call, here, random):
    """Random values of what the derivative takes beside the operands."""
    f, operands = call.of_moving()
    likes = f(*operands) if derivative is pulled else operands
    return tuple(random_like(x, here, random) for x in likes)


# ---- derivatives of derivatives ------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["fwd", "rev"])
@pytest.mark.parametrize("derivative", [pulled, pushed])
@EVERY
def test_derivatives_of_derivatives_agree_with_differences(info, kind, derivative, mode, here):
    random = np.random.default_rng(0)
    found = representative(moving_calls(info, here, DOUBLE[kind]))
    for call in filter(has_digits, found):
        operands = tuple(call.of_moving()[1])
        arguments = (operands, seeds_for(derivative, call, here, random))
        try:
            check_grads(derivative(call), arguments, 1, (mode,), **limits(info, here))
        except AssertionError as error:
            raise AssertionError(f"{call!r}: {error}") from None


# ---- batches of derivatives, derivatives of batches ----------------------------------------------


def rows_of(info, here, kind):
    """Calls that differ in the values of their operands, some of which can be differentiated."""
    rows = several_seeds(info, here, DOUBLE[kind], BATCH)
    moving = [row for row in rows if row[0].moving and row[0].of_outputs(row[0].operands)]
    return representative(moving, lambda row: row[0])


def stacked(here, column):
    return here.array(np.stack([here.to_host(x) for x in column]))


def columns(here, rows):
    """A tuple of arrays with a batch axis, of a batch of tuples of arrays."""
    return tuple(stacked(here, column) for column in zip(*rows, strict=True))


@pytest.mark.parametrize("derivative", [pulled, pushed])
def picked(in_axes, arguments, k):
    """The arguments of example ``k``: those that are not mapped are the first's for all."""
    return [x[0 if axis is None else k] for axis, x in zip(in_axes, arguments, strict=True)]


@pytest.mark.parametrize("derivative", [pulled, pushed])
@EVERY_MAPPABLE
def test_a_mapped_derivative_is_a_loop(info, kind, derivative, here):
    random = np.random.default_rng(0)
    for row in rows_of(info, here, kind):
        call = row[0]
        function = derivative(call)
        points = [tuple(other.of_moving()[1]) for other in row]
        seeds = [seeds_for(derivative, call, here, random) for _ in row]
        for in_axes in [(0, 0), (0, None), (None, 0)]:
            got = xad.vmap(function, in_axes)(
                *[
                    x[0] if axis is None else columns(here, x)
                    for axis, x in zip(in_axes, (points, seeds), strict=True)
                ]
            )
            singles = [function(*picked(in_axes, (points, seeds), k)) for k in range(BATCH)]
            assert_same(got, columns(here, singles), 10 * here.tolerance, (call, in_axes))


@EVERY_MAPPABLE
def test_derivatives_of_what_is_mapped_are_a_loop(info, kind, here):
    random = np.random.default_rng(0)
    for row in rows_of(info, here, kind):
        f, operands = row[0].of_moving()
        by_operand = list(zip(*[call.of_moving()[1] for call in row], strict=True))
        for chosen in subsets(range(len(operands))):
            in_axes = tuple(0 if i in chosen else None for i in range(len(operands)))
            whole = tuple(
                x[0] if axis is None else stacked(here, x)
                for axis, x in zip(in_axes, by_operand, strict=True)
            )
            mapped = xad.vmap(f, in_axes)
            tangents = tuple(random_like(x, here, random) for x in whole)
            outputs, moved = xad.jvp(mapped, whole, tangents)
            cotangents = tuple(random_like(y, here, random) for y in outputs)
            shares = xad.vjp(mapped, *whole)[1](cotangents)

            values, pushes, pulls = [], [], []
            for k in range(BATCH):
                at = tuple(picked(in_axes, by_operand, k))
                along = tuple(
                    t if axis is None else t[k, ...]
                    for axis, t in zip(in_axes, tangents, strict=True)
                )
                value, push = xad.jvp(f, at, along)
                values.append(value)
                pushes.append(push)
                pulls.append(xad.vjp(f, *at)[1](tuple(g[k, ...] for g in cotangents)))
            summed = [
                x if axis == 0 else here.array(np.sum(here.to_host(x), 0))
                for axis, x in zip(in_axes, columns(here, pulls), strict=True)
            ]
            what = (row[0], in_axes)
            assert_same(outputs, columns(here, values), 10 * here.tolerance, what)
            assert_same(moved, columns(here, pushes), 10 * here.tolerance, what)
            assert_same(shares, summed, 10 * here.tolerance, what)
