"""The passes that take sums and products in another order: nearly the same, in fewer operations."""

import numpy as np
import pytest
from comparing import names, recorded

import xad
from xad import special
from xad.programs.optimise import optimise


def reordered(here, f, *arguments):
    """The program in any order, after the results were found to agree."""
    before = recorded(f, *arguments)
    after = optimise(before, reassociate=True)
    for x, y in zip(before.run(arguments), after.run(arguments), strict=True):
        x, y = here.to_host(x), here.to_host(y)
        assert x.dtype == y.dtype
        np.testing.assert_allclose(y, x, rtol=here.tolerance, atol=here.tolerance)
    return after


FEWER = {
    "numbers meet": (lambda x: (x * 3) * 5, ["multiply"]),
    "numbers meet across a product": (
        lambda x: ((x * 3) * xad.sin(x)) * 5,
        ["sin", "multiply", "multiply"],
    ),
    "numbers of both factors": (
        lambda x: (x * 3) * (xad.sin(x) * 5),
        ["sin", "multiply", "multiply"],
    ),
    "a number over": (lambda x: (x / 3) / 7, ["multiply"]),
    "a number over an array": (lambda x: (3 / x) * 5, ["divide"]),
    "a number out of a quotient": (
        lambda x: (x * 3) / xad.exp(x) * 5,
        ["exp", "divide", "multiply"],
    ),
    "times the reciprocal": (lambda x: xad.sin(x) * (1 / x), ["sin", "divide"]),
    "a number out of a sum": (lambda x: xad.sum(x * 3, axis=0) * 2, ["sum", "multiply"]),
    "a sign out of a mean": (lambda x: xad.sin(x[0, :]) + xad.mean(-x), None),
    "plus zero": (lambda x: xad.sin(x + 0), ["sin"]),
    "numbers that would grow too large": (lambda x: (x * 1e25) * 1e25, ["multiply"] * 2),
    "what others need stays": (
        lambda x: (x * 3, (x * 3) * xad.sin(x)),
        ["multiply", "sin", "multiply"],
    ),
}


@pytest.mark.parametrize("name", FEWER)
def test_factors_are_put_together(name, here, tame):
    f, expected = FEWER[name]
    found = names(reordered(here, f, tame))
    if expected is None:
        assert "negative" not in found
    else:
        assert found == expected


def test_only_where_it_is_asked_for(here, tame):
    before = recorded(lambda x: (x * 3) * 5, tame)
    assert names(optimise(before)) == ["multiply", "multiply"]


def product_shapes(listing):
    found = [x.outputs[0] for x in listing.instructions if x.primitive.name == "matmul"]
    return {listing.kinds[v].shape for v in found}


def test_products_of_matrices_begin_where_it_is_cheapest(here, tame):
    turned, column = xad.matrix_transpose, tame[:, :1]
    late = reordered(here, lambda x, v: (turned(x) @ x) @ turned(x) @ v, tame, column)
    assert product_shapes(late) == {(4, 1), (3, 1)}
    early = reordered(here, lambda v, x: turned(v) @ (x @ turned(x)), column, tame)
    assert product_shapes(early) == {(1, 4), (1, 3)}


def recurrent(here, steps):
    generator = np.random.default_rng(0)
    inputs = here.array(generator.normal(size=(steps, 2, 3)) / 2)
    weights = here.array(generator.normal(size=(3, 5)) / 2)
    inner = here.array(generator.normal(size=(5, 5)) / 2)
    bias = here.array(generator.normal(size=5) / 2)

    def loss(weights, inner, bias, inputs):
        state = xad.tanh(inputs[0, :, :] @ weights + bias)
        for t in range(1, steps):
            state = xad.tanh(inputs[t, :, :] @ weights + state @ inner + bias)
        return xad.sum(state * state)

    return xad.value_and_grad(loss, argnums=(0, 1, 2)), (weights, inner, bias, inputs)


def test_the_steps_of_a_sequence_are_one_product(here):
    gradient, arguments = recurrent(here, 6)
    before = recorded(gradient, *arguments)
    after = reordered(here, gradient, *arguments)
    # Forward 1 + 5, back 5, and one for each of the two matrices; of 6 + 5, 5, and 6 + 5.
    assert names(before).count("matmul") == 27
    assert names(after).count("matmul") == 13
    assert names(after).count("sum") == 2


def test_steps_with_a_bias_are_one_product(here):
    generator = np.random.default_rng(0)
    inputs, weights, bias = (
        here.array(generator.normal(size=shape)) for shape in ((4, 2, 3), (3, 5), (5,))
    )

    def f(inputs, weights, bias):
        steps = [special.affine(inputs[t, :, :], weights, bias) for t in range(4)]
        return xad.sin(steps[3]) * steps[2] + xad.cos(steps[1]) * steps[0]

    assert names(reordered(here, f, inputs, weights, bias)).count("special.affine") == 1


def test_few_steps_are_left_as_they_are(here):
    gradient, arguments = recurrent(here, 2)
    before = recorded(gradient, *arguments)
    after = reordered(here, gradient, *arguments)
    assert names(after).count("matmul") == names(before).count("matmul")


def test_other_terms_of_a_sum_of_products_stay(here, tame):
    def f(x, y):
        products = [xad.matmul(xad.matrix_transpose(z), x) for z in (x, y, x * y)]
        return products[0] + xad.matmul(y, y.T)[0, 0] + (products[1] + products[2]) + x[0, :]

    def g(x, y):
        a, b, c = (xad.matmul(xad.matrix_transpose(z), x) for z in (x, y, x * y))
        return a + xad.exp(a[:, :] * 0) + (b + c)

    assert names(reordered(here, f, tame, xad.flip(tame, axis=0))).count("matmul") >= 2
    after = reordered(here, g, tame, xad.flip(tame, axis=0))
    assert "exp" in names(after)


def scaled_shapes(listing):
    found = [x.outputs[0] for x in listing.instructions if x.primitive.name == "multiply"]
    return [listing.kinds[v].shape for v in found]


def test_a_number_moves_to_the_smallest_matrix(here, tame):
    column, row = tame[:, :1], tame[:1, :]
    for f in (lambda x, y: 3 * (x @ y), lambda x, y: (x @ y) * 3):
        assert scaled_shapes(reordered(here, f, column, row)) == [(3, 1)]
        assert scaled_shapes(reordered(here, f, row, xad.matrix_transpose(row))) == [(1, 1)]
    out = reordered(here, lambda x, y: (x * 3) @ y * 2, row, xad.matrix_transpose(row))
    assert scaled_shapes(out) == [(1, 1)]
    rate = here.array(np.asarray(3.0))
    by_array = reordered(here, lambda x, y, rate: rate * (x @ y), column, row, rate)
    assert scaled_shapes(by_array) == [(3, 1)]
    squared = reordered(here, lambda x: (x @ x) * 3, tame[:, :3])
    assert scaled_shapes(squared) == [(3, 3)]


def test_a_number_stays_where_others_need_the_product(here, tame):
    column, row = tame[:, :1], tame[:1, :]
    both = reordered(here, lambda x, y: (x @ y, 3 * (x @ y)), column, row)
    assert scaled_shapes(both) == [(3, 4)]
    scaled = reordered(here, lambda x, y: (x * 3, (x * 3) @ y), row, xad.matrix_transpose(row))
    assert scaled_shapes(scaled) == [(1, 4)]


def test_the_rate_of_an_update_meets_the_mean(here):
    generator = np.random.default_rng(0)
    x, weights = (here.array(generator.normal(size=shape)) for shape in ((4, 30), (30, 20)))

    def step(weights, x):
        gradient = xad.grad(lambda w: xad.mean(xad.square(x @ w)))(weights)
        return weights - 0.125 * gradient

    assert (30, 20) not in scaled_shapes(reordered(here, step, weights, x))


def test_a_number_always_moves_into_a_far_larger_product(here):
    generator = np.random.default_rng(0)
    x, y = (here.array(generator.normal(size=shape)) for shape in ((30, 4), (4, 20)))
    row = here.array(generator.normal(size=(1, 5)))
    for f in (lambda x, y: 3 * (x @ y), lambda x, y: (x @ y) * 3):
        before = recorded(f, x, y)
        after = optimise(before)
        assert scaled_shapes(after) == [(4, 20)]
        for old, new in zip(before.run((x, y)), after.run((x, y)), strict=True):
            limits = {"rtol": here.tolerance, "atol": here.tolerance}
            np.testing.assert_allclose(here.to_host(new), here.to_host(old), **limits)
    # The gradients of a product and of a bias, of one example: scaled once.
    step = lambda row, x: (0.1 * (x[:, :1] @ row), 0.1 * xad.sum(row, axis=0))  # noqa: E731
    assert scaled_shapes(optimise(recorded(step, row, x))) == [(1, 5)]


@pytest.mark.parametrize("number", [np.inf, 1e200, 1e-200, 0.0])
def test_numbers_that_leave_no_elements_stay_outside(here, number):
    x, y = here.array(np.ones((30, 4))), here.array(np.ones((4, 20)))
    after = optimise(recorded(lambda x, y: (x @ y) * number, x, y))
    assert scaled_shapes(after) in ([(30, 20)], [])


def test_products_stay_as_they_are_where_that_matters_more(here):
    x, y = here.array(np.ones((30, 4))), here.array(np.ones((4, 20)))
    little = optimise(recorded(lambda x: 3 * (x @ x.T), x[:5, :]))
    assert scaled_shapes(little) == [(5, 5)]
    others = optimise(recorded(lambda x, y: (x @ y, 3 * (x @ y)), x, y))
    assert scaled_shapes(others) == [(30, 20)]
    half = np.ones((30, 4), dtype=np.float16), np.ones((4, 20), dtype=np.float16)
    assert scaled_shapes(optimise(recorded(lambda x, y: (x @ y) * 3, *half))) == [(30, 20)]


def test_numbers_go_before_a_change_of_shape_where_types_stay(here):
    x = here.array(np.asarray([[1.5, -0.0, np.nan, 2.0]]))
    after = optimise(recorded(lambda x: 3 * xad.reshape(x, (2, 2)), x))
    assert names(after) == ["multiply", "reshape"]
    # Complex products depend on the order of the factors in their last bit.
    z = np.asarray([1 + 2j, 3 - 1j])
    later = optimise(recorded(lambda z, c: c * xad.reshape(z, (2, 1)), z, np.asarray(0.3 + 0.1j)))
    assert names(later) == ["reshape", "multiply"]
    whole = here.array(np.asarray([[1, 2, 3, 4]], dtype=np.int32))
    for f in (
        lambda x: 3 * xad.reshape(x, (2, 2)),
        lambda x: xad.reshape(x, (2, 2)) * xad.sum(x, dtype=x.dtype),
        lambda x: xad.reshape(xad.astype(x, xad.float32), (2, 2)) * 0.5,
    ):
        for given in (x, whole):
            before = recorded(f, given)
            for old, new in zip(before.run((given,)), optimise(before).run((given,)), strict=True):
                np.testing.assert_array_equal(here.to_host(new), here.to_host(old), strict=True)


def test_sums_over_axes_of_length_one_are_the_elements(here):
    x = here.array(np.asarray([[[1.0], [np.nan], [-np.inf]]]))
    for f in (
        lambda x: xad.sum(x, axis=(0, 2)),
        lambda x: xad.mean(x, axis=0, keepdims=True),
        lambda x: xad.sum(x[:, :1, :]),
    ):
        before = recorded(f, x)
        after = optimise(before)
        for found in (after, optimise(before, reassociate=True)):
            assert not {"sum", "mean"} & set(names(found))
        for old, new in zip(before.run((x,)), after.run((x,)), strict=True):
            np.testing.assert_array_equal(here.to_host(new), here.to_host(old), strict=True)
    assert "sum" in names(optimise(recorded(lambda x: xad.sum(x, axis=1), x)))
    integers = here.array(np.asarray([[1, 2]], dtype=np.int32))  # sums are of int64
    assert "sum" in names(optimise(recorded(lambda x: xad.sum(x, axis=0), integers)))
