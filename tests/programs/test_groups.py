"""Grouping: which operations may be one kernel, and that the program stays the same."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import xad
from xad.core.recording import Variable, replay
from xad.programs.groups import grouped

ELEMENTWISE = {"add", "subtract", "multiply", "exp", "negative", "where", "sin"}


def fuses(instruction):
    return instruction.primitive.name in ELEMENTWISE


def ends(instruction):
    return instruction.primitive.name == "sum"


def groups_of(f, *arrays, **options):
    program = xad.make_program(f)(*arrays)
    return program.listing, grouped(program.listing, fuses, ends, **options)


def names(groups):
    """The operations' names, group by group."""
    return [" ".join(m.primitive.name for m in g.every) for g in groups]


def outputs_of(listing, groups, arrays):
    """Carry the groups out, each seeing no more than what it says that it reads."""
    values = {**listing.constants, **dict(zip(listing.inputs, arrays, strict=True))}
    for group in groups:
        seen = {v: values[v] for v in group.inputs}
        made = replay((), seen, group.every, ())
        values.update({v: made[v] for v in group.outputs})
    return [values[x] if isinstance(x, Variable) else x for x in listing.outputs]


X, Y, W = np.arange(6.0).reshape(2, 3), np.ones((2, 3)), np.ones((3, 3))


def test_a_chain_is_one_group():
    _, groups = groups_of(lambda x, y: xad.exp(x * y + 1) - y, X, Y)
    assert names(groups) == ["multiply add exp subtract"]
    assert groups[0].shape == (2, 3)
    assert len(groups[0].outputs) == 1


def test_a_product_of_matrices_parts_a_chain():
    _, groups = groups_of(lambda x, w: xad.exp(xad.sin(x) @ w) + 1, X, W)
    assert names(groups) == ["sin", "matmul", "exp add"]
    assert [g.fused for g in groups] == [True, False, True]


def test_operations_that_go_over_other_shapes_stay_apart():
    _, groups = groups_of(lambda x, b: x + xad.exp(b), X, np.ones(3))
    assert names(groups) == ["exp", "add"]


def test_operations_that_read_one_array_are_one_group_with_two_results():
    _, groups = groups_of(lambda x: (xad.exp(x), xad.sin(x)), X)
    assert names(groups) == ["exp sin"]
    assert len(groups[0].outputs) == 2


def test_what_would_wait_for_itself_stays_apart():
    # x -> exp -> product -> add: exp and add cannot be one kernel, the product lies between.
    _, groups = groups_of(lambda x, w: xad.exp(x) + xad.exp(x) @ w, X, W)
    assert names(groups) == ["exp exp", "matmul", "add"]


def test_two_chains_that_meet_become_one():
    _, groups = groups_of(lambda x, y: xad.exp(x) * xad.sin(y), X, Y)
    assert names(groups) == ["exp sin multiply"]


def test_chains_that_meet_stay_apart_with_a_product_between():
    _, groups = groups_of(lambda x, w: xad.exp(x) * xad.sin(xad.exp(x) @ w), X, W)
    assert names(groups) == ["exp exp", "matmul", "sin multiply"]


def test_a_sum_ends_the_group_that_works_for_it_alone():
    listing, groups = groups_of(lambda x, y: xad.sum((x - y) * x, axis=0), X, Y)
    assert names(groups) == ["subtract multiply sum"]
    assert len(groups[0].endings) == 1
    assert groups[0].outputs == listing.outputs


def test_a_sum_that_must_be_alone_stays_apart_if_its_operand_is_needed_elsewhere():
    def f(x, y):
        z = x * y
        return xad.sum(z), xad.exp(z)

    _, groups = groups_of(f, X, Y, alone=True)
    assert sorted(names(groups)) == ["multiply exp", "sum"]
    _, groups = groups_of(lambda x: [z := x * 2, xad.sum(z)], X, alone=True)
    assert sorted(names(groups)) == ["multiply", "sum"]


def test_several_sums_are_taken_along():
    def f(x, y):
        z = x * y
        total = xad.sum(z)
        return total, xad.sum(xad.exp(z), axis=0), z, xad.exp(z) * total

    listing, groups = groups_of(f, X, Y)
    assert names(groups) == ["multiply exp exp sum sum", "multiply"]
    assert len(groups[0].outputs) == 4
    wanted = listing.run([X, Y])
    for x, y in zip(outputs_of(listing, groups, [X, Y]), wanted, strict=True):
        np.testing.assert_array_equal(x, y)


def test_a_group_names_no_more_arrays_than_allowed():
    arrays = [np.full(3, float(i)) for i in range(12)]
    listing, groups = groups_of(lambda *xs: sum(xs[1:], xs[0]), *arrays, most=5)
    assert all(len(g.inputs) + len(g.outputs) <= 5 for g in groups)
    assert len(groups) > 1
    np.testing.assert_array_equal(outputs_of(listing, groups, arrays)[0], np.sum(arrays, axis=0))


@pytest.mark.parametrize("options", [{}, {"alone": True, "most": 5}], ids=["along", "kernels"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_groups_give_what_the_program_gives(data, options):
    steps = data.draw(st.lists(st.tuples(*[st.integers(0, 9)] * 3), min_size=1, max_size=14))

    def f(x, w, b):
        made = [x, w, b]
        for kind, i, j in steps:
            a, c = made[i % len(made)], made[j % len(made)]
            if kind < 5 and np.broadcast_shapes(a.shape, c.shape):
                made.append((xad.add, xad.multiply, xad.subtract)[kind % 3](a, c))
            elif kind < 7:
                made.append(xad.sin(a))
            elif kind == 7 and a.ndim:
                made.append(xad.sum(a, axis=0))
            elif a.ndim == c.ndim == 2:
                made.append(a @ c)
        return made[3:] or [x + 1]

    r = np.random.default_rng(0).standard_normal
    arrays = [r((3, 3)), r((3, 3)), r(3)]
    listing, groups = groups_of(f, *arrays, **options)
    every = [m for g in groups for m in g.every]
    assert len(every) == len(listing.instructions)
    wanted = listing.run(arrays)
    for x, y in zip(outputs_of(listing, groups, arrays), wanted, strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("length", [300])
def test_a_long_chain_is_one_group(length):
    def f(x):
        for _ in range(length):
            x = xad.sin(x) + 1
        return x

    _, groups = groups_of(f, np.ones(10))
    assert len(groups) == 1
    assert len(groups[0].instructions) == 2 * length
