"""Values and derivatives where something special happens: ties, zeros, infinities, empty arrays."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import xad

INF, NAN = float("inf"), float("nan")


@pytest.fixture
def slope(here, close):
    """Assert the derivative of ``f`` at a number, or the gradient of its sum at a list."""

    def check(f, at, expected, tolerance=None):
        x = here.array(np.asarray(at, dtype="complex128" if np.iscomplexobj(at) else "float64"))
        with np.errstate(all="ignore"):
            close(xad.grad(lambda x: xad.sum(f(x)))(x), expected, tolerance)

    return check


def forward(here, f, at, direction=1.0):
    with np.errstate(all="ignore"):
        x = here.array(at)
        t = here.array(np.broadcast_to(np.asarray(direction), np.shape(at)).astype("float64"))
        return xad.jvp(f, (x,), (t,))[1]


# ---- powers, roots, logarithms ------------------------------------------------------------------


def test_square_root_is_infinitely_steep_at_zero(slope):
    slope(xad.sqrt, [0.0, 4.0], [INF, 0.25])


def test_norm_at_zero_has_the_subgradient_zero(slope):
    slope(xad.linalg.vector_norm, [0.0, 0.0], [0.0, 0.0])
    slope(xad.linalg.vector_norm, [3.0, 4.0], [0.6, 0.8])


def test_square_root_of_a_sum_of_squares_at_zero_stays_as_written(slope):
    slope(lambda x: xad.sqrt(xad.sum(x * x)), [0.0, 0.0], [NAN, NAN])


@pytest.mark.parametrize("exponent", [0, 0.0], ids=["integer", "float"])
def test_power_zero_is_flat_everywhere_even_at_zero(slope, exponent):
    slope(lambda x: x**exponent, [0.0, 2.0], [0.0, 0.0])


def test_powers_of_zero_are_flat_in_the_exponent(slope):
    slope(lambda y: 0.0**y, [0.0, 2.0], [0.0, 0.0])


def test_squares_and_cubes_at_zero(slope):
    slope(lambda x: x**2, [0.0, 3.0], [0.0, 6.0])
    slope(lambda x: x**3.0, [0.0, -1.0], [0.0, 3.0])


def test_tiny_arguments_keep_their_digits(slope):
    slope(xad.log1p, [1e-20], [1.0])
    slope(xad.expm1, [1e-20], [1.0])


def test_saturated_tanh_is_flat_and_not_nan(slope):
    slope(xad.tanh, [1000.0, -1000.0, 0.0], [0.0, 0.0, 1.0])


def test_arc_sine_is_infinitely_steep_at_its_ends(slope):
    slope(xad.asin, [1.0, -1.0], [INF, INF])


def test_angle_of_the_origin_has_gradient_zero(here, close):
    zero = here.array(0.0)
    with np.errstate(all="ignore"):
        for gradient in xad.grad(xad.atan2, (0, 1))(zero, zero):
            close(gradient, 0.0)


# ---- kinks and ties -----------------------------------------------------------------------------


def test_absolute_value_at_zero(slope):
    slope(xad.abs, [0.0, -2.0, 3.0], [0.0, -1.0, 1.0])


def test_complex_absolute_value_points_outward_and_is_zero_at_zero(here, slope):
    slope(xad.abs, [3.0 + 4.0j, 0.0j], [0.6 + 0.8j, 0.0])


def test_relu_at_zero_and_maximum_with_zero(slope):
    slope(lambda x: xad.maximum(x, 0.0), [0.0, 1.0, -1.0], [0.5, 1.0, 0.0])
    slope(lambda x: xad.minimum(x, 0.0), [0.0, 1.0, -1.0], [0.5, 0.0, 1.0])
    slope(xad.special.relu, [0.0, 1.0, -1.0], [0.0, 1.0, 0.0])


def test_ties_of_max_and_min_share_evenly(slope):
    slope(xad.max, [1.0, 3.0, 3.0], [0.0, 0.5, 0.5])
    slope(xad.min, [1.0, 1.0, 1.0, 2.0], [1 / 3, 1 / 3, 1 / 3, 0.0])


def test_ties_share_evenly_in_forward_mode_too(here, close):
    x, t = here.array([1.0, 3.0, 3.0]), here.array([5.0, 1.0, 2.0])
    close(xad.jvp(xad.max, (x,), (t,))[1], 1.5)


def test_not_a_number_flows_through_max(here):
    x = here.array([1.0, NAN, 2.0])
    with np.errstate(all="ignore"):
        value, gradient = xad.value_and_grad(xad.max)(x)
    assert np.isnan(here.to_host(value))
    assert np.isnan(here.to_host(gradient)).any()


def test_clip_is_closed_at_its_bounds(slope):
    f = lambda x: xad.clip(x, -1.0, 2.0)  # noqa: E731
    slope(f, [-1.0, 2.0, 0.0, -1.5, 3.0], [1.0, 1.0, 1.0, 0.0, 0.0])


def test_the_branch_that_is_not_taken_is_not_differentiated(here, slope):
    slope(lambda x: xad.where(x > 0, xad.sqrt(x), 0.0), [0.0, 4.0], [0.0, 0.25])
    slope(lambda x: xad.where(x > 0, xad.log(x), 0.0), [-1.0, 2.0], [0.0, 0.5])


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(lambda f, x: xad.grad(xad.grad(f))(x), id="reverse"),
        pytest.param(lambda f, x: xad.jvp(xad.grad(f), (x,), (x**0,))[1], id="forward"),
        pytest.param(lambda f, x: xad.vmap(xad.hessian(f))(x[None])[0], id="batched"),
        pytest.param(lambda f, x: xad.make_program(xad.grad(xad.grad(f)))(x)(x), id="recorded"),
        pytest.param(
            lambda f, x: xad.jvp(lambda x: xad.make_program(xad.grad(f))(x)(x), (x,), (x**0,))[1],
            id="forward over recorded",
        ),
    ],
)
def test_second_derivatives_behind_where(here, close, second):
    """A cotangent that the other branch makes is none; one that is 0 by chance moves."""
    one, zero = here.array(1.0), here.array(0.0)
    close(second(lambda x: xad.where(x > 0, x**1.5, 0.0), zero), 0.0)
    close(second(lambda x: xad.where(x > 0, x * xad.sqrt(x), 0.0), zero), 0.0)
    close(second(lambda x: xad.where(x > 0, xad.exp(x) ** 2, 0.0) * (x - 1), one), 4 * np.e**2)
    close(second(lambda x: (xad.where(x > 0, x**3 - 1, 0.0)) ** 2, one), 18.0)


def test_where_with_one_scalar_in_both_branches(here, close):
    c, a = here.array([True, False]), here.array(3.0)
    close(xad.grad(lambda a: xad.sum(xad.where(c, a, a)))(a), 2.0)


def test_where_broadcasts_and_the_gradient_has_the_operands_shape(here, close):
    c = here.array([[True, False, True], [True, True, False]])
    a, b = here.array([1.0, 2.0, 3.0]), here.array(np.ones((2, 3)))
    first, second = xad.grad(lambda a, b: xad.sum(xad.where(c, a, b)), (0, 1))(a, b)
    close(first, [2.0, 1.0, 1.0])
    close(second, [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])


def test_remainder_steps_down_in_the_divisor(slope):
    slope(lambda y: xad.remainder(7.0, y), [2.5], [-2.0])


# ---- reductions ---------------------------------------------------------------------------------


def test_products_with_zeros(slope):
    slope(xad.prod, [2.0, 0.0, 3.0], [0.0, 6.0, 0.0])
    slope(xad.prod, [0.0, 0.0, 3.0], [0.0, 0.0, 0.0])


def test_the_hessian_of_a_product_with_two_zeros(here, close):
    gradient = xad.grad(xad.prod)
    row = xad.grad(lambda x: gradient(x)[0])(here.array([0.0, 0.0, 3.0]))
    close(row, [0.0, 3.0, 0.0])


def test_cumulative_product_with_a_zero(slope):
    slope(xad.cumulative_prod, [2.0, 0.0, 3.0], [1.0, 8.0, 0.0])


def test_variance_with_a_correction_and_the_deviation_of_a_constant(slope):
    slope(lambda x: xad.var(x, correction=1), [1.0, 2.0, 4.0], [-4 / 3, -1 / 3, 5 / 3])
    slope(xad.std, [2.0, 2.0, 2.0], [0.0, 0.0, 0.0])


def test_an_empty_sum(here):
    value, gradient = xad.value_and_grad(xad.sum)(here.array(np.zeros((0, 2))))
    assert here.to_host(value) == 0.0
    assert tuple(gradient.shape) == (0, 2)


def test_sorting_is_stable_and_its_gradient_follows(here, slope):
    weights = here.array([1.0, 2.0, 3.0, 4.0])
    slope(lambda x: xad.sort(x) * weights, [3.0, 1.0, 3.0, 2.0], [3.0, 1.0, 4.0, 2.0])


# ---- shapes and indices -------------------------------------------------------------------------


def test_broadcasting_sums_in_the_gradient(here, slope):
    slope(lambda x: xad.broadcast_to(x, (3, 2)), [1.0, 2.0], [3.0, 3.0])


def test_axes_of_length_one_and_none(here, close):
    x, y = here.array(2.0), here.array([3.0])
    first, second = xad.grad(lambda x, y: xad.sum(x + y), (0, 1))(x, y)
    assert (tuple(first.shape), tuple(second.shape)) == ((), (1,))
    row = here.array([1.0, 2.0, 3.0])
    close(xad.grad(lambda y: xad.sum(y * row))(y), [6.0])


def test_an_element_taken_twice_counts_twice(here, slope):
    index = here.array([0, 0, 1], "int64")
    slope(lambda x: xad.take(x, index), [5.0, 7.0], [2.0, 1.0])
    slope(lambda x: x[index], [5.0, 7.0], [2.0, 1.0])


def test_an_element_that_is_assigned_to(here, close):
    x = here.array([2.0, 3.0, 5.0])

    def replaced(x, v):
        y = x * 1
        y[1] = v
        return xad.sum(y * y)

    first, second = xad.grad(replaced, (0, 1))(x, here.array(7.0))
    close(first, [4.0, 0.0, 10.0])
    close(second, 14.0)

    def changed(x):
        y = x * 1
        y[y > 2.5] *= 2
        y += 1
        y[0] = y[0] * y[1]
        return xad.sum(y)

    # y = [(x0 + 1)(2 x1 + 1), 2 x1 + 1, 2 x2 + 1]
    close(xad.grad(changed)(x), [7.0, 2 * 3 + 2, 2.0])


def test_repeating_by_counts(here, slope):
    counts = here.array([1, 2], "int64")
    slope(lambda x: xad.repeat(x, counts), [5.0, 7.0], [1.0, 2.0])


def test_a_square_matrix_times_itself(slope):
    slope(lambda x: xad.matmul(x, x), [[1.0, 2.0], [3.0, 4.0]], [[7.0, 11.0], [9.0, 13.0]])


# ---- matrices -----------------------------------------------------------------------------------


def test_determinant_of_a_singular_matrix(slope):
    slope(xad.linalg.det, [[1.0, 2.0], [2.0, 4.0]], [[4.0, -2.0], [-2.0, 1.0]], 1e-7)


def test_equal_eigenvalues_and_equal_singular_values(slope):
    eye = np.eye(3)
    slope(xad.linalg.eigvalsh, eye, eye)
    slope(xad.linalg.svdvals, eye, eye)


def test_the_gradient_of_cholesky_is_symmetric(here):
    a = here.array([[2.0, 1.0], [1.0, 2.0]])
    gradient = here.to_host(xad.grad(lambda a: xad.sum(xad.linalg.cholesky(a)))(a))
    np.testing.assert_allclose(gradient, gradient.T, rtol=here.tolerance)
    assert np.abs(gradient).min() > 0


# ---- data types ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "f",
    [
        lambda x: xad.mean(x),
        lambda x: xad.max(x),
        lambda x: xad.var(x),
        lambda x: xad.std(x),
        lambda x: xad.sum(xad.where(x > 0, x, 2.0)),
        lambda x: xad.sum(x * 2.5 + 1 - x / 3 + x**2),
        lambda x: xad.sum(2 * x) * 0.1,
    ],
    ids=["mean", "max", "var", "std", "where", "python numbers", "sum"],
)
def test_single_precision_stays_single(here, f):
    x = here.array([1.0, 2.0, 4.0], "float32")
    value, gradient = xad.value_and_grad(f)(x)
    assert value.dtype == gradient.dtype == x.dtype
    tangent = xad.jvp(f, (x,), (x,))[1]
    assert tangent.dtype == x.dtype


def test_forward_mode_takes_the_same_sides(here, close):
    close(forward(here, xad.abs, 0.0), 0.0)
    close(forward(here, lambda x: xad.maximum(x, 0.0), 0.0), 0.5)
    close(forward(here, lambda x: xad.clip(x, 0.0, 1.0), 1.0), 1.0)
    close(forward(here, lambda x: x**0.0, 0.0), 0.0)
    close(forward(here, xad.prod, [2.0, 0.0, 3.0]), 6.0)
    close(forward(here, xad.std, [2.0, 2.0]), 0.0)


# ---- graphs and calls ---------------------------------------------------------------------------


def test_a_square_and_a_diamond(slope):
    slope(lambda x: x * x, 3.0, 6.0)

    def diamond(x):
        left, right = xad.sin(x), xad.cos(x)
        return left * right + left

    slope(diamond, 0.5, np.cos(1.0) + np.cos(0.5))


def test_sixty_doublings_are_walked_in_sixty_steps(here, close):
    calls = []

    def f(x):
        for _ in range(60):
            x = x + x
        x.register_hook(calls.append)
        return x

    value, slope = xad.value_and_grad(f)(here.array(1.0))
    close(value, 2.0**60)
    close(slope, 2.0**60)
    assert len(calls) == 1


def test_the_jacobian_of_a_function_with_no_results(here):
    found = xad.jacobian(lambda x: x[:0])(here.array([1.0, 2.0]))
    assert tuple(found.shape) == (0, 2)


def test_integers_are_refused_with_a_remedy(here):
    with pytest.raises(TypeError, match=r"cast it first, as in xad\.astype"):
        xad.grad(lambda x: x * 1.0)(here.array(np.asarray(3)))


def test_backward_twice_accumulates(here, close):
    x = xad.asarray(here.array(3.0), requires_grad=True)
    y = x * x
    y.backward()
    y.backward()
    close(x.grad, 12.0)


def test_a_hundred_thousand_operations_in_a_row(here, close, many):
    x = xad.asarray(here.array(1.0), requires_grad=True)
    y = x
    for _ in range(many):
        y = y + 0.0
    y.backward()
    close(x.grad, 1.0)
    del y


def test_derivatives_of_high_order(here, close):
    third = xad.grad(xad.grad(xad.grad(lambda x: x**3)))
    close(third(here.array(2.0)), 6.0)
    close(xad.grad(xad.grad(xad.grad(xad.grad(lambda x: x**3))))(here.array(0.0)), 0.0)


def test_nested_gradients_in_eight_threads(here, close):
    def run(i):
        return xad.grad(lambda x: x * xad.grad(lambda y: x * y * y)(x))(here.array(float(i)))

    with ThreadPoolExecutor(8) as pool:
        for i, found in enumerate(pool.map(run, range(64))):
            close(found, 6.0 * i * i)


def test_state_is_clean_after_an_exception(here, close):
    def broken(x):
        xad.grad(lambda y: y * x)(x)
        raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        xad.grad(xad.grad(broken))(here.array(1.0))
    close(xad.grad(lambda x: x * x)(here.array(1.0)), 2.0)


def test_cross_entropy_far_from_zero(here, close):
    logits, labels = here.array([[1e4, 0.0]]), here.array(np.asarray([1]))
    found = xad.grad(lambda z: xad.sum(xad.special.softmax_cross_entropy(z, labels)))(logits)
    close(found, [[1.0, -1.0]])


def test_a_function_that_ignores_its_input(everywhere):
    x = everywhere.array([[1.0, 2.0]], "float32")
    found = xad.grad(lambda x: everywhere.array(1.0))(x)
    assert (tuple(found.shape), found.dtype) == ((1, 2), x.dtype)
    assert everywhere.adapter.device_of(found) == everywhere.device
    assert not everywhere.to_host(found).any()


def test_two_derivatives_are_not_confused(slope):
    slope(lambda x: x * xad.grad(lambda y: x + y)(x), 5.0, 1.0)


# ---- arrays written into while a graph needs them ------------------------------------------------


@pytest.mark.parametrize(
    "use",
    [
        pytest.param(lambda a: (x := xad.asarray(a, requires_grad=True), x * x), id="wrapped"),
        pytest.param(lambda a: (x := xad.asarray(a + 0, requires_grad=True), x * a), id="mixed"),
    ],
)
def test_an_array_written_into_between_use_and_backward_is_never_a_wrong_gradient(use, here, close):
    a = here.array([1.0, 2.0, 3.0])
    with xad.debug_mutation():
        x, y = use(a)
    expected = y.gradient(x, xad.ones_like(y))
    try:
        a[0] = 5.0
    except (ValueError, TypeError):  # NumPy's lock, or a library whose arrays never change.
        y.backward(xad.ones_like(y))
        close(x.grad, here.to_host(expected.value))
    else:
        with pytest.raises(xad.errors.MutationError, match="multiply"):
            y.backward(xad.ones_like(y))
    del x, y, expected
    if xad.backend.adapter_of(a).mutable:
        a[0] = 5.0
