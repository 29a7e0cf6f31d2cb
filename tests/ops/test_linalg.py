"""Linear algebra where the op database does not reach: singular matrices, ties, zeros, torch."""

import numpy as np
import pytest

import xad
from xad.errors import ShapeError
from xad.testing import check_grads

INF, NAN = float("inf"), float("nan")
RANDOM = np.random.default_rng(0)


def complex_matrices(*shape):
    return RANDOM.normal(size=shape) + 1j * RANDOM.normal(size=shape)


def matrix_of_rank(rank, n, kind="float64"):
    parts = [RANDOM.normal(size=(n, rank)), RANDOM.normal(size=(rank, n))]
    if kind == "complex128":
        parts = [complex_matrices(*x.shape) for x in parts]
    return parts[0] @ parts[1]


def cofactors(x):
    """By the definition: determinants of what is left without a row and a column."""
    n = len(x)
    out = np.empty_like(x)
    for i in range(n):
        for j in range(n):
            rest = np.delete(np.delete(x, i, axis=0), j, axis=1)
            out[i, j] = (-1) ** (i + j) * np.linalg.det(rest)
    return out


def fine(here):
    return here.precision == "float64"


# ---- determinants -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["float64", "complex128"])
@pytest.mark.parametrize("rank", [4, 3, 2, 1, 0])
def test_the_gradient_of_det_is_made_of_cofactors_at_every_rank(rank, kind, everywhere):
    x = matrix_of_rank(rank, 4, kind)
    pullback = xad.vjp(xad.linalg.det, everywhere.array(x))[1]
    (gradient,) = pullback(everywhere.array(np.asarray(1.0, kind)))
    bound = 1e-9 if fine(everywhere) else 1e-3
    expected = np.conj(cofactors(x))
    np.testing.assert_allclose(everywhere.to_host(gradient), expected, rtol=bound, atol=bound)


@pytest.mark.parametrize("kind", ["float64", "complex128"])
@pytest.mark.parametrize("rank", [3, 2, 1, 0])
def test_second_derivatives_of_det_at_every_rank(rank, kind, here):
    if not fine(here):
        pytest.skip("differences of second derivatives need float64")
    check_grads(xad.linalg.det, (here.array(matrix_of_rank(rank, 3, kind)),), order=2)


def test_second_derivatives_of_det_by_hand(here, close):
    """At diag(0, 0, 2): det = x_22 (x_00 x_11 - x_01 x_10) + ..., of which the rest is flat."""
    x = here.array(np.diag([0.0, 0.0, 2.0]))
    gradient = xad.grad(xad.linalg.det)
    close(gradient(x), np.zeros((3, 3)))
    for i, j, expected in [((0, 0), (1, 1), 2.0), ((0, 1), (1, 0), -2.0), ((0, 0), (2, 2), 0.0)]:
        entry = xad.grad(lambda x, i=i: gradient(x)[i])(x)
        assert abs(here.to_host(entry)[j] - expected) < 10 * here.tolerance


def test_third_and_fourth_derivatives_of_det_at_regular_matrices(here):
    """The fourth derivative of det along t, over 4!, is the determinant of t."""
    x = here.array(RANDOM.normal(size=(4, 4)) + 4 * np.eye(4))
    t = here.array(RANDOM.normal(size=(4, 4)))

    def along(f):
        return lambda x: xad.jvp(f, (x,), (t,))[1]

    f = xad.linalg.det
    for _ in range(4):
        f = along(f)
    expected = 24 * np.linalg.det(here.to_host(t))
    bound = 1e-8 if fine(here) else 5e-2
    np.testing.assert_allclose(here.to_host(f(x)), expected, rtol=bound, atol=bound)
    third = xad.grad(along(along(xad.linalg.det)))(x)
    again = xad.jvp(xad.grad(along(xad.linalg.det)), (x,), (t,))[1]
    bound = 1e-10 if fine(here) else 1e-2
    np.testing.assert_allclose(here.to_host(third), here.to_host(again), rtol=bound, atol=bound)


def test_third_derivatives_of_det_at_singular_matrices_are_no_wrong_numbers(here):
    f = xad.linalg.det
    x, t = here.array(np.ones((3, 3))), here.array(np.eye(3))
    with np.errstate(all="ignore"):
        second = lambda x: xad.jvp(lambda x: xad.jvp(f, (x,), (t,))[1], (x,), (t,))[1]  # noqa: E731
        assert not np.isfinite(here.to_host(xad.grad(second)(x))).any()


def test_regular_matrices_have_the_same_gradient_beside_singular_ones(here):
    """Alone their gradient comes from the inverse, beside others from singular values."""
    regular = RANDOM.normal(size=(2, 3, 3)) + 2 * np.eye(3)
    among = np.concatenate([regular, np.zeros((1, 3, 3))])
    f = xad.grad(lambda x: xad.sum(xad.linalg.det(x) ** 2))
    g = xad.grad(lambda x: xad.sum(f(x) ** 2))
    bound = 1e-9 if fine(here) else 1e-3
    for derivative in (f, g):
        alone = here.to_host(derivative(here.array(regular)))
        found = here.to_host(derivative(here.array(among)))
        np.testing.assert_allclose(found[:2], alone, rtol=bound, atol=bound)
        assert not found[2].any()


def test_tiny_matrices_keep_the_gradient_of_their_determinant(here):
    """det underflows to 0, the adjugate does not."""
    size = 1e-200 if fine(here) else 1e-30
    gradient = here.to_host(xad.grad(xad.linalg.det)(here.array(size * np.eye(2))))
    np.testing.assert_allclose(gradient / size, np.eye(2), rtol=1e-6)


def test_not_a_number_stays_in_its_own_matrix(here):
    x = np.stack([np.eye(2), np.full((2, 2), NAN), np.ones((2, 2)), np.full((2, 2), INF)])
    with np.errstate(all="ignore"):
        gradient = xad.grad(lambda x: xad.sum(xad.linalg.det(x)))(here.array(x))
    found = here.to_host(gradient)
    assert np.isnan(found[1]).all()
    np.testing.assert_allclose(found[0], np.eye(2), atol=1e-6)
    np.testing.assert_allclose(found[2], [[1.0, -1.0], [-1.0, 1.0]], atol=1e-6)


def test_slogdet_is_a_named_pair_in_every_namespace(here):
    x = here.array([[0.0, 2.0], [1.0, 0.0]])
    linalg = xad.Tensor(x).__array_namespace__().linalg
    for result in (xad.linalg.slogdet(x), linalg.slogdet(x), linalg.slogdet(xad.Tensor(x))):
        assert result._fields == ("sign", "logabsdet")
        assert all(isinstance(part, xad.Tensor) for part in result)
        np.testing.assert_allclose(
            [float(result.sign), float(result.logabsdet)], [-1.0, np.log(2.0)], rtol=1e-6
        )


def test_each_half_of_slogdet_alone(here):
    """With s = det/abs(det), log(det) is logabsdet + log(s): both halves give one derivative."""
    x = complex_matrices(3, 3)
    for half in (
        lambda x: xad.real(xad.linalg.slogdet(x).sign),
        lambda x: xad.linalg.slogdet(x).logabsdet,
    ):
        if fine(here):
            check_grads(half, (here.array(x),), order=2)
    flat = xad.grad(lambda x: xad.linalg.slogdet(x).sign)(here.array(np.real(x)))
    assert not here.to_host(flat).any()


def test_a_singular_matrix_has_no_slope_of_slogdet_and_spoils_no_other(here):
    x = here.array(np.stack([2 * np.eye(2), np.ones((2, 2)), np.eye(2)]))
    with np.errstate(all="ignore"):
        gradient = xad.grad(lambda x: xad.sum(xad.linalg.slogdet(x).logabsdet))(x)
    found = here.to_host(gradient)
    np.testing.assert_allclose(found[0], np.eye(2) / 2, rtol=1e-6)
    np.testing.assert_allclose(found[2], np.eye(2), rtol=1e-6)
    assert not np.isfinite(found[1]).any()


# ---- equations ----------------------------------------------------------------------------------


def test_a_singular_matrix_is_not_taken_for_a_wrong_shape():
    for right in (np.ones(3), np.ones((3, 2))):
        with pytest.raises(np.linalg.LinAlgError) as caught:
            xad.linalg.solve(np.ones((3, 3)), right)
        assert not isinstance(caught.value, ShapeError)
        assert "xad.linalg.solve" in caught.value.__notes__[0]


def test_gradients_of_solve_have_each_operands_data_type(here):
    a = here.array(np.eye(2) * 2, "float32")
    b = here.array(complex_matrices(2, 3))
    value = xad.linalg.solve(a, b)
    pullback = xad.vjp(xad.linalg.solve, a, b)[1]
    of_a, of_b = pullback(xad.ones_like(value).value)
    assert (of_a.dtype, of_b.dtype) == (a.dtype, b.dtype)
    if fine(here):
        real = here.array(RANDOM.normal(size=(2, 2)) + 3 * np.eye(2))
        check_grads(xad.linalg.solve, (real, b), order=2)


def test_many_vectors_with_one_matrix_are_one_system(here):
    """One matrix is factored once: vmap leaves it as it is, and the kernel joins the columns."""
    a = RANDOM.normal(size=(3, 3)) + 3 * np.eye(3)
    b = RANDOM.normal(size=(5, 2, 3))
    solve_all = xad.vmap(xad.vmap(xad.linalg.solve, (None, 0)), (None, 0))
    found = here.to_host(solve_all(here.array(a), here.array(b)))
    bound = 1e-10 if fine(here) else 1e-4
    np.testing.assert_allclose(np.einsum("ij,abj->abi", a, found), b, rtol=bound, atol=bound)


# ---- norms --------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [2, 1, 3, 2.5, 0.5, -1, -2.0, INF, -INF, 0])
@pytest.mark.parametrize("kind", ["float64", "complex128"])
def test_every_norm_is_flat_at_zero_in_both_modes(order, kind, here, close):
    zero = here.array(np.zeros(3, kind))
    norm = lambda x: xad.linalg.vector_norm(x, ord=order)  # noqa: E731
    with np.errstate(all="ignore"):
        close(xad.grad(norm)(zero), np.zeros(3))
        close(xad.jvp(norm, (zero,), (here.array(np.ones(3, kind)),))[1], 0.0)


@pytest.mark.parametrize("order", [2, 3, 1.5])
def test_norms_of_vectors_with_a_zero_in_them(order, here, close):
    x = np.asarray([3.0, 0.0, -4.0])
    size = np.sum(np.abs(x) ** order) ** (1 / order)
    expected = np.sign(x) * (np.abs(x) / size) ** (order - 1)
    close(xad.grad(lambda x: xad.linalg.vector_norm(x, ord=order))(here.array(x)), expected)


def test_the_hessian_of_the_norm_at_zero_is_finite(here, close):
    gradient = xad.grad(xad.linalg.vector_norm)
    close(xad.grad(lambda x: gradient(x)[0])(here.array(np.zeros(2))), [0.0, 0.0])


def test_ties_of_the_largest_element_share_evenly(here, close):
    x = here.array([2.0, -2.0, 1.0])
    close(xad.grad(lambda x: xad.linalg.vector_norm(x, ord=INF))(x), [0.5, -0.5, 0.0])
    least = xad.grad(lambda x: xad.linalg.vector_norm(x, ord=-INF))(here.array([2.0, 1j, -1.0]))
    close(least, [0.0, 0.5j, -0.5])


MATRIX = [[1.0, -3.0], [-3.0, 1.0]]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (1, [[0.5, -0.5], [-0.5, 0.5]]),
        (-1, [[0.5, -0.5], [-0.5, 0.5]]),
        (INF, [[0.5, -0.5], [-0.5, 0.5]]),
        (-INF, [[0.5, -0.5], [-0.5, 0.5]]),
        ("fro", np.asarray(MATRIX) / np.sqrt(20)),
    ],
)
def test_ties_of_matrix_norms_share_evenly(order, expected, here, close):
    norm = lambda x: xad.linalg.matrix_norm(x, ord=order)  # noqa: E731
    close(xad.grad(norm)(here.array(MATRIX)), expected)


@pytest.mark.parametrize("order", [2, -2])
def test_equal_singular_values_share_evenly(order, here, close):
    norm = lambda x: xad.linalg.matrix_norm(x, ord=order)  # noqa: E731
    close(xad.grad(norm)(here.array(3 * np.eye(2))), np.eye(2) / 2, 1e-6)


def test_the_nuclear_norm_of_the_identity(here, close):
    norm = lambda x: xad.linalg.matrix_norm(x, ord="nuc")  # noqa: E731
    close(xad.grad(norm)(here.array(np.eye(3))), np.eye(3), 1e-6)


def test_the_frobenius_norm_of_zeros(here, close):
    close(xad.grad(xad.linalg.matrix_norm)(here.array(np.zeros((2, 3)))), np.zeros((2, 3)))


# ---- products -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "count"), [(1, 0), (2, 1), (3, 2), (8, 3), (15, 6), (-5, 4)])
def test_powers_take_few_products(n, count, here):
    """Squarings, and products where the exponent has a one in base 2; an inverse before them."""
    program = xad.make_program(lambda x: xad.linalg.matrix_power(x, n))(here.array(np.eye(2)))
    assert len(program) == count


def test_power_zero_is_constant(here, close):
    x = here.array(np.ones((3, 2, 2)))
    value, gradient = xad.value_and_grad(lambda x: xad.sum(xad.linalg.matrix_power(x, 0)))(x)
    assert float(here.to_host(value)) == 6.0
    close(gradient, np.zeros((3, 2, 2)))
    close(xad.vmap(lambda x: xad.linalg.matrix_power(x, 0))(x), [np.eye(2)] * 3)


def test_infinite_cotangents_stay_on_the_diagonal(here):
    pullback = xad.vjp(xad.linalg.diagonal, here.array(np.ones((2, 2))))[1]
    (gradient,) = pullback(here.array([INF, NAN]))
    np.testing.assert_array_equal(here.to_host(gradient), [[INF, 0.0], [0.0, NAN]])


def test_the_face_and_the_namespace_have_the_same_names(here):
    linalg = xad.Tensor(here.array([1.0])).__array_namespace__().linalg
    assert set(xad.linalg.__all__) == set(vars(linalg))
    for name in ("matmul", "matrix_transpose", "tensordot", "vecdot"):
        assert getattr(xad.linalg, name) is getattr(linalg, name) is getattr(xad, name)


# ---- against torch ------------------------------------------------------------------------------

SQUARE = complex_matrices(2, 3, 3) + 2 * np.eye(3)


def of_norms(linalg, x, axis, order):
    return linalg.vector_norm(x, ord=order, **{axis: -1})


AGAINST_TORCH = {
    "det": lambda linalg, x, axis: linalg.det(x),
    "inv": lambda linalg, x, axis: linalg.inv(x),
    "power": lambda linalg, x, axis: linalg.matrix_power(x, -3),
    "slogdet": lambda linalg, x, axis: linalg.slogdet(x)[0] + linalg.slogdet(x)[1] * 2j,
    "solve": lambda linalg, x, axis: linalg.solve(x, x[:1, :, :2]),
    "cross": lambda linalg, x, axis: linalg.cross(x, x[:1, :1, :], **{axis: -1}),
    "norm 2": lambda linalg, x, axis: of_norms(linalg, x, axis, 2),
    "norm 3": lambda linalg, x, axis: of_norms(linalg, x, axis, 3),
    "norm 1": lambda linalg, x, axis: of_norms(linalg, x, axis, 1),
    "norm inf": lambda linalg, x, axis: of_norms(linalg, x, axis, INF),
    "frobenius": lambda linalg, x, axis: linalg.matrix_norm(x),
    "nuclear": lambda linalg, x, axis: linalg.matrix_norm(x, ord="nuc"),
    "spectral": lambda linalg, x, axis: linalg.matrix_norm(x, ord=2),
    "columns": lambda linalg, x, axis: linalg.matrix_norm(x, ord=1),
}


@pytest.mark.parametrize("name", AGAINST_TORCH)
def test_complex_gradients_are_those_of_torch(name, require_library):
    require_library("torch")
    import torch

    f = AGAINST_TORCH[name]
    x = torch.tensor(SQUARE, requires_grad=True)
    y = f(torch.linalg, x, "dim")
    torch.sum(torch.real(y) + 2 * torch.imag(y * 1j) + torch.abs(y)).backward()

    def loss(x):
        y = f(xad.linalg, x, "axis")
        turned = y * 1j if xad.isdtype(y.dtype, "complex floating") else 1j * xad.astype(y, x.dtype)
        real = xad.real(y) if xad.isdtype(y.dtype, "complex floating") else y
        return xad.sum(real + 2 * xad.imag(turned) + xad.abs(y))

    np.testing.assert_allclose(xad.grad(loss)(SQUARE), x.grad.numpy(), rtol=1e-9, atol=1e-10)
