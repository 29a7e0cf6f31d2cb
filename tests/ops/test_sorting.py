"""Sorting and set functions where elements are equal or nan, and their shapes from data."""

import numpy as np
import pytest

import xad
from xad.errors import ConcreteValueError
from xad.testing import check_grads

INF, NAN = float("inf"), float("nan")
TIES = np.asarray([3.0, 1.0, 3.0, 2.0, 1.0, 3.0])


def stable(x, descending):
    """Python's own sort, which is stable in both directions."""
    key = [(-v if descending else v) for v in x]
    return sorted(range(len(x)), key=key.__getitem__)


# ---- sort, argsort ------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "uint8", "int16"])
@pytest.mark.parametrize("descending", [False, True])
def test_equal_elements_keep_their_order(descending, dtype, here):
    x = here.array(TIES, dtype)
    order = xad.argsort(x, descending=descending)
    assert here.to_host(order).tolist() == stable(TIES, descending)
    assert order.dtype == here.adapter.default_dtype("indexing", here.device)
    got = xad.sort(x, descending=descending)
    assert got.dtype == x.dtype
    assert here.to_host(got).tolist() == sorted(TIES, reverse=descending)


@pytest.mark.parametrize("is_stable", [True, False])
@pytest.mark.parametrize("descending", [False, True])
def test_gradients_follow_the_stable_permutation(descending, is_stable, here, close):
    x, weights = here.array(TIES), np.arange(1.0, 7.0)
    order = stable(TIES, descending)
    sort = lambda x: xad.sort(x, descending=descending, stable=is_stable)  # noqa: E731
    expected = np.empty(6)
    expected[order] = weights
    close(xad.grad(lambda x: xad.sum(sort(x) * here.array(weights)))(x), expected)
    _, pushed = xad.jvp(sort, (x,), (here.array(weights),))
    close(pushed, weights[order])


def test_sorting_along_each_axis_of_many(here, close):
    x = np.random.default_rng(0).integers(0, 3, (3, 4, 2)).astype("float64")
    t = np.random.default_rng(1).normal(size=x.shape)
    for axis in (0, 1, -1):
        order = np.argsort(x, axis=axis, kind="stable")
        value, pushed = xad.jvp(
            lambda x, axis=axis: xad.sort(x, axis=axis), (here.array(x),), (here.array(t),)
        )
        close(value, np.sort(x, axis=axis))
        close(pushed, np.take_along_axis(t, order, axis))


def test_not_a_number_comes_last_and_keeps_its_gradient(here, close):
    x = here.array([2.0, NAN, -INF, 1.0, INF, NAN])
    got = here.to_host(xad.sort(x))
    np.testing.assert_array_equal(got, [-INF, 1.0, 2.0, INF, NAN, NAN])
    weights = here.array(np.arange(1.0, 7.0))
    _, pullback = xad.vjp(xad.sort, x)
    close(pullback(weights)[0], [3.0, 5.0, 1.0, 2.0, 4.0, 6.0])
    down = here.to_host(xad.sort(x, descending=True))
    np.testing.assert_array_equal(down, [NAN, NAN, INF, 2.0, 1.0, -INF])


def test_second_derivatives_of_a_sort(here, close):
    x = here.array([3.0, 1.0, 2.0])
    weights = here.array([1.0, 10.0, 100.0])
    loss = lambda x: xad.sum(xad.sort(x) ** 3 * weights)  # noqa: E731
    gradient = xad.grad(loss)
    close(gradient(x), [2700.0, 3.0, 120.0])
    close(xad.grad(lambda x: xad.sum(gradient(x)))(x), [1800.0, 6.0, 120.0])
    if here.precision == "float64":
        check_grads(lambda x: xad.sort(x, descending=True) ** 2, (x,), order=3)


def test_sorts_of_a_batch_with_ties(here, close):
    rows = np.stack([TIES, TIES[::-1]])
    weights = np.arange(1.0, 7.0)
    gradient = xad.grad(lambda x: xad.sum(xad.sort(x) * here.array(weights)))
    expected = np.empty((2, 6))
    for i, row in enumerate(rows):
        expected[i, stable(row, False)] = weights
    close(xad.vmap(gradient)(here.array(rows)), expected)


def test_indices_that_sort_are_constants(here):
    x = here.array(TIES)
    gradient = xad.grad(lambda x: xad.sum(x * xad.astype(xad.argsort(x), x.dtype)))(x)
    assert here.to_host(gradient).tolist() == stable(TIES, False)


# ---- set functions ------------------------------------------------------------------------------


def test_all_that_there_is_to_know_of_equal_elements(here):
    x = np.asarray([[3.0, 1.0, 3.0], [2.0, 1.0, 3.0]])
    found = xad.unique_all(here.array(x))
    assert found._fields == ("values", "indices", "inverse_indices", "counts")
    assert [here.to_host(part).tolist() for part in found] == [
        [1.0, 2.0, 3.0],
        [1, 3, 0],
        [[2, 0, 2], [1, 0, 2]],
        [2, 1, 3],
    ]
    index = here.adapter.default_dtype("indexing", here.device)
    assert all(part.dtype == index for part in found[1:])
    values, counts = xad.unique_counts(here.array(x))
    assert here.to_host(counts).tolist() == [2, 1, 3]
    again = xad.take(values, xad.reshape(xad.unique_inverse(here.array(x)).inverse_indices, (-1,)))
    assert here.to_host(again).tolist() == x.reshape(-1).tolist()


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "uint16", "uint32", "uint64"])
def test_unique_keeps_data_types(dtype, here):
    x = here.array([1, 0, 1, 1], dtype)
    found = xad.unique_all(x)
    assert found.values.dtype == x.dtype
    assert here.to_host(found.values).tolist() == [0, 1]
    assert here.to_host(found.counts).tolist() == [1, 3]
    assert here.to_host(xad.isin(x, x)).all()
    assert not here.to_host(xad.isin(x, x, invert=True)).any()


def test_no_two_nans_are_equal_and_all_zeros_are(here):
    x = here.array([NAN, 0.0, NAN, -0.0, 1.0])
    found = xad.unique_all(x)
    np.testing.assert_array_equal(here.to_host(found.values), [0.0, 1.0, NAN, NAN])
    assert here.to_host(found.counts).tolist() == [2, 1, 1, 1]
    assert here.to_host(found.indices).tolist() == [1, 4, 0, 2]
    got = xad.isin(x, here.array([NAN, 0.0]))
    assert here.to_host(got).tolist() == [False, True, False, True, False]


def test_unique_complex_numbers(here):
    x = here.array([1 + 2j, 1 + 1j, complex(NAN, 1), 1 + 2j, complex(1, NAN), complex(NAN, 1)])
    found = xad.unique_all(x)
    assert here.to_host(found.values)[:2].tolist() == [1 + 1j, 1 + 2j]
    assert here.to_host(found.counts).tolist() == [1, 2, 1, 1, 1]
    assert here.to_host(found.indices).tolist() == [1, 0, 4, 2, 5]


def test_gradients_are_shared_evenly_among_equal_elements(here, close):
    x = here.array([[3.0, 1.0, 3.0], [2.0, 1.0, 3.0]])
    weights = here.array([1.0, 10.0, 100.0])
    loss = lambda x: xad.sum(xad.unique_values(x) * weights)  # noqa: E731
    third = 100.0 / 3.0
    close(xad.grad(loss)(x), [[third, 0.5, third], [10.0, 0.5, third]])
    t = here.array([[3.0, 1.0, 6.0], [5.0, 2.0, 9.0]])
    close(xad.jvp(xad.unique_values, (x,), (t,))[1], [1.5, 5.0, 6.0])
    square = lambda x: xad.sum(xad.unique_values(x) ** 2 * weights)  # noqa: E731
    gradient = xad.grad(square)
    close(xad.grad(lambda x: gradient(x)[1, 0])(x), [[0.0, 0.0, 0.0], [20.0, 0.0, 0.0]])


@pytest.mark.parametrize(
    "f", [xad.nonzero, xad.unique_all, xad.unique_counts, xad.unique_inverse, xad.unique_values]
)
def test_shapes_that_depend_on_data_are_refused_inside_transformations(f, here):
    x = here.array(np.ones((2, 3)))
    for transformed in (xad.vmap(f), lambda x: xad.make_program(f)(x)):
        with pytest.raises(ConcreteValueError, match=rf"xad\.{f.__name__}.*the result's shape"):
            transformed(x)


def test_a_jacobian_of_unique_values(here, close):
    x = here.array([2.0, 1.0, 2.0])
    _, pullback = xad.vjp(xad.unique_values, x)
    (rows,) = xad.vmap(pullback)(here.array(np.eye(2)))
    close(rows, [[0.0, 1.0, 0.0], [0.5, 0.0, 0.5]])


def test_membership_against_numpy(here):
    random = np.random.default_rng(0)
    for dtype in ("int64", "float64", "int32"):
        x1 = random.integers(0, 20, (5, 6)).astype(dtype)
        x2 = random.integers(0, 20, (3, 4)).astype(dtype)
        got = xad.isin(here.array(x1), here.array(x2))
        np.testing.assert_array_equal(here.to_host(got), np.isin(x1, x2))
        got = xad.isin(here.array(x1), here.array(x2), invert=True)
        np.testing.assert_array_equal(here.to_host(got), np.isin(x1, x2, invert=True))


def test_membership_of_numbers(here):
    x = here.array([1, 2, 3])
    assert here.to_host(xad.isin(x, 2)).tolist() == [False, True, False]
    found = xad.isin(2, x)
    assert found.shape == ()
    assert here.to_host(found)
    assert here.to_host(xad.isin(7, x, invert=True))


def test_membership_in_a_batch_of_sets(here):
    x1, x2 = here.array([[1, 2], [3, 4]]), here.array([[1, 4], [1, 4]])
    got = xad.vmap(xad.isin)(x1, x2)
    assert here.to_host(got).tolist() == [[True, False], [False, True]]
