"""Batching and recording of every operation, and of its derivatives."""

import numpy as np
import pytest
from calls import DOUBLE, KINDS, assert_same, random_like, several_seeds, subsets

import xad
from xad.testing.database import op_database

BATCH = 3

EVERY = [info for info in op_database.values() if not info.data_dependent]
EVERY_OP = pytest.mark.parametrize("info", EVERY, ids=lambda info: info.name)
DIFFERENTIABLE = [info for info in EVERY if info.differentiable]
EVERY_DERIVATIVE = pytest.mark.parametrize("info", DIFFERENTIABLE, ids=lambda info: info.name)


def rows_of(info, here, kinds):
    found = [row for row in several_seeds(info, here, kinds, BATCH) if row[0].operands]
    assert found, f"no sample of {info.name} keeps its shape when its values change"
    return found


def stacked(here, row, chosen):
    """The operands, those chosen with a batch axis in front."""
    first = row[0]
    return [
        here.array(np.stack([call.hosts[i] for call in row])) if i in chosen else x
        for i, x in enumerate(first.operands)
    ]


def one_of(row, chosen, k):
    """The operands of example ``k`` of the batch."""
    return [row[k if i in chosen else 0].operands[i] for i in range(len(row[0].operands))]


def in_axes(row, chosen):
    return tuple(0 if i in chosen else None for i in range(len(row[0].operands)))


def assert_batch(here, got, singles, tolerance, what):
    """The results of a batch are those of a loop."""
    columns = [np.stack([here.to_host(x) for x in column]) for column in zip(*singles, strict=True)]
    assert_same(got, columns, tolerance, what)


@EVERY_OP
def test_vmap_over_any_operands_is_a_loop(info, here):
    for row in rows_of(info, here, KINDS[info.kinds[0]][0]):
        call = row[0]
        for chosen in subsets(range(len(call.operands))):
            mapped = xad.vmap(call.outputs, in_axes(row, chosen))
            got = mapped(*stacked(here, row, chosen))
            singles = [call.outputs(*one_of(row, chosen, k)) for k in range(BATCH)]
            assert_batch(here, got, singles, here.tolerance, (call, chosen))


def gradient_of(call, here):
    """operands -> the cotangents of those that can be differentiated, for fixed random seeds."""
    moving = call.moving

    def gradient(*operands):
        def f(*leaves):
            full = list(operands)
            for i, leaf in zip(moving, leaves, strict=True):
                full[i] = leaf
            return call.of_outputs(full)

        outputs, pullback = xad.vjp(f, *[operands[i] for i in moving])
        random = np.random.default_rng(1)
        return pullback(tuple(random_like(y, here, random) for y in outputs))

    return gradient


@EVERY_DERIVATIVE
def test_vmap_of_the_gradient_is_a_loop(info, here):
    for row in rows_of(info, here, DOUBLE[info.differentiable[0]]):
        call = row[0]
        if not call.moving:
            continue
        gradient = gradient_of(call, here)
        choices = subsets(range(len(call.operands)))
        for chosen in {choices[0], choices[-1]}:
            got = xad.vmap(gradient, in_axes(row, chosen))(*stacked(here, row, chosen))
            singles = [gradient(*one_of(row, chosen, k)) for k in range(BATCH)]
            assert_batch(here, got, singles, 10 * here.tolerance, (call, chosen))


@EVERY_OP
def test_a_recorded_call_replays_on_new_values(info, here):
    for row in rows_of(info, here, KINDS[info.kinds[0]][0]):
        call = row[0]
        program = xad.make_program(call.outputs)(*call.operands)
        for other in row[:2]:
            expected = call.outputs(*other.operands)
            assert_same(program(*other.operands), expected, here.tolerance, call)


@EVERY_DERIVATIVE
def test_a_recorded_gradient_replays_on_new_values(info, here):
    for row in rows_of(info, here, DOUBLE[info.differentiable[0]]):
        call = row[0]
        if not call.moving:
            continue
        gradient = gradient_of(call, here)
        program = xad.make_program(gradient)(*call.operands)
        for other in row[:2]:
            expected = gradient(*other.operands)
            assert_same(program(*other.operands), expected, 10 * here.tolerance, call)
