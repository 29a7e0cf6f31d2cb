"""Factors and spectra of matrices: against torch's gradients, and where values are equal."""

from importlib import import_module

import numpy as np
import pytest

import xad
from xad import linalg
from xad.testing import check_grads

KINDS = ["real", "complex"]


def matrix(kind, *shape):
    """A random matrix with singular values and eigenvalues about 2, 4, 6."""
    random = np.random.default_rng(3)
    values = random.uniform(-0.5, 0.5, shape)
    if kind == "complex":
        values = values + 1j * random.uniform(-0.5, 0.5, shape)
    return values + np.eye(*shape[-2:]) * 2 * np.arange(1, shape[-1] + 1)


def definite(kind, n=3):
    x = matrix(kind, n, n)
    return (x + np.conj(x.T)) / 2


def weights(*shape):
    return np.random.default_rng(4).uniform(0.5, 1.5, shape)


def rotated(*eigenvalues):
    """A symmetric matrix with these eigenvalues, its eigenvectors not along the axes."""
    n = len(eigenvalues)
    q = np.linalg.qr(np.random.default_rng(5).normal(size=(n, n)))[0]
    return q @ np.diag(eigenvalues) @ q.T


# ---- against torch's autograd -------------------------------------------------------------------

# Of the factors each loss takes what does not depend on signs or phases. `m` is a module with
# `abs`, `sum` and `linalg`, xad or torch; `w` is an array of weights, larger than needed.


def _cholesky(m, x, w):
    factor = m.linalg.cholesky((x + m.conj(x.mT)) / 2)
    return m.sum(m.abs(factor + 0.5) ** 3 * w[:3, :3])


def _qr(m, x, w):
    q, r = m.linalg.qr(x)
    q, r = m.abs(q + 0.5), m.abs(r - 0.5)
    return m.sum(q**3 * w[: q.shape[0], : q.shape[1]]) + m.sum(r * w[: r.shape[0], : r.shape[1]])


def _q_only(m, x, w):
    q = m.abs(m.linalg.qr(x)[0] + 0.5)
    return m.sum(q**3 * w[: q.shape[0], : q.shape[1]])


def _svd(m, x, w):
    u, s, vh = m.linalg.svd(x, full_matrices=False)
    paired = m.abs((u * w[0, : s.shape[0]]) @ vh + 0.5)
    return m.sum(paired**3 * w[: x.shape[0], : x.shape[1]]) + m.sum(s**2 * w[1, : s.shape[0]])


def _left_vectors(m, x, w):
    u = m.abs(m.linalg.svd(x, full_matrices=False)[0])
    return m.sum(u**3 * w[: u.shape[0], : u.shape[1]])


def _full_singular_values(m, x, w):
    s = m.linalg.svd(x)[1]
    return m.sum(s**3 * w[0, : s.shape[0]])


def _eigh(m, x, w):
    values, vectors = m.linalg.eigh((x + m.conj(x.mT)) / 2)
    return m.sum(values**2 * w[0, :3]) + m.sum(m.abs(vectors) ** 3 * w[:3, :3])


def _eig(m, x, w):
    values, vectors = m.linalg.eig(x)
    return m.sum(m.abs(values - 1j) * w[0, :3]) + m.sum(m.abs(vectors) ** 3 * w[:3, :3])


def _eigvals(m, x, w):
    return m.sum(m.abs(m.linalg.eigvals(x) - 1j) * w[0, :3])


def _eigvalsh(m, x, w):
    return m.sum(m.linalg.eigvalsh((x + m.conj(x.mT)) / 2) ** 3 * w[0, :3])


def _svdvals(m, x, w):
    s = m.linalg.svdvals(x)
    return m.sum(s**3 * w[0, : s.shape[0]])


def _pinv(m, x, w):
    y = m.abs(m.linalg.pinv(x) + 0.5)
    return m.sum(y**3 * w[: y.shape[0], : y.shape[1]])


TALL, SQUARE, WIDE = (4, 3), (3, 3), (3, 4)
LOSSES = [
    *((f, SQUARE) for f in (_cholesky, _eigh, _eig, _eigvals, _eigvalsh)),
    *((f, shape) for f in (_qr, _q_only, _svd, _svdvals, _pinv) for shape in (TALL, SQUARE, WIDE)),
    *((f, shape) for f in (_left_vectors, _full_singular_values) for shape in (TALL, WIDE)),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("loss", "shape"), LOSSES, ids=[f"{f.__name__[1:]}-{s[0]}x{s[1]}" for f, s in LOSSES]
)
def test_gradients_are_those_of_torch(loss, shape, kind, here, close, require_library):
    require_library("torch")
    torch = import_module("torch")
    x, w = matrix(kind, *shape), weights(5, 5)
    theirs = torch.asarray(x).requires_grad_()
    loss(torch, theirs, torch.asarray(w)).backward()
    ours = xad.grad(lambda x: loss(xad, x, xad.Tensor(here.array(w))))(here.array(x))
    close(ours, theirs.grad.numpy(), 1e-8)


# ---- equal eigenvalues, equal singular values, zeros --------------------------------------------


@pytest.mark.parametrize("values", [(2.0, 2.0, 2.0), (1.0, 1.0, 3.0), (0.0, 0.0, 2.0)])
@pytest.mark.parametrize("whole", [False, True], ids=["eigvalsh", "eigh"])
def test_symmetric_functions_of_equal_eigenvalues(values, whole, here, close):
    def f(a):
        w = linalg.eigh(a).eigenvalues if whole else linalg.eigvalsh(a)
        return xad.sum(w**3 - 2 * w)

    a = rotated(*values)
    expected = 3 * a @ a - 2 * np.eye(3)
    close(xad.grad(f)(here.array(a)), expected, 1e-9)
    direction = rotated(1.0, -2.0, 0.5)
    pushed = xad.jvp(f, (here.array(a),), (here.array(direction),))[1]
    close(pushed, np.sum(expected * direction), 1e-9)


@pytest.mark.parametrize("shape", [(3, 3), (4, 3), (3, 4)])
@pytest.mark.parametrize("name", ["svdvals", "thin", "full"])
def test_symmetric_functions_of_equal_singular_values(name, shape, here, close):
    def f(a):
        if name == "svdvals":
            s = linalg.svdvals(a)
        else:
            s = linalg.svd(a, full_matrices=name == "full").S
        return xad.sum(s**4)

    q = np.linalg.qr(np.random.default_rng(0).normal(size=(shape[0], shape[0])))[0]
    a = q @ np.eye(*shape) * 2
    close(xad.grad(f)(here.array(a)), 4 * a @ a.T @ a, 1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_the_span_of_equal_eigenvectors_has_a_derivative(kind, here):
    b = here.array(matrix(kind, 3, 3))

    def f(a):
        a = (a + xad.conj(a.mT)) / 2
        vectors = linalg.eigh(a).eigenvectors[:, :2]
        return xad.real(xad.sum(vectors @ xad.conj(vectors.mT) * b))

    a = rotated(1.0, 1.0, 3.0).astype("complex128" if kind == "complex" else "float64")
    check_grads(f, (here.array(a),), order=1)


def test_the_spans_of_equal_singular_vectors_have_a_derivative(here):
    b = here.array(weights(4, 4))

    def f(a):
        u, s, vh = linalg.svd(a)
        left, right = u[:, :2], vh[:2, :]
        return xad.sum(left @ left.mT * b), xad.sum(right.mT @ right * b[:3, :3]), xad.sum(s)

    q = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))[0]
    a = q[:, :3] @ np.diag([3.0, 3.0, 1.0]) @ rotated(1.0, -1.0, 1.0)
    check_grads(f, (here.array(a),), order=1)


def test_the_inverse_by_an_svd_with_equal_singular_values(here, close):
    # U Vᴴ is the nearest orthogonal matrix: it does not depend on the turns of U and V together.
    b = matrix("real", 3, 3)

    def f(a):
        u, _, vh = linalg.svd(a)
        return xad.sum(u @ vh * here.array(b))

    close(xad.grad(f)(here.array(2 * np.eye(3))), (b - b.T) / 4)


def test_a_singular_value_of_zero_has_the_subgradient_zero(here, close):
    def nuclear(a):
        return xad.sum(linalg.svdvals(a))

    a = np.outer([1.0, 2.0, 2.0], [0.6, 0.8])
    close(xad.grad(nuclear)(here.array(a)), a / 3, 1e-9)
    close(xad.grad(lambda a: xad.sum(linalg.svd(a).S))(here.array(a)), a / 3, 1e-9)
    close(xad.grad(nuclear)(here.array(np.zeros((2, 3)))), np.zeros((2, 3)))


def test_equal_eigenvalues_of_general_matrices(here, close):
    trace = xad.grad(lambda a: xad.sum(xad.real(linalg.eigvals(a))))
    close(trace(here.array(np.eye(3))), np.eye(3))
    square = xad.grad(lambda a: xad.sum(xad.real(linalg.eig(a).eigenvalues ** 2)))
    close(square(here.array(2 * np.eye(3))), 4 * np.eye(3))


# ---- what is known in closed form ---------------------------------------------------------------


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_logarithm_of_a_determinant_by_cholesky(kind, upper, here, close):
    a = definite(kind)

    def f(a):
        factor = linalg.cholesky(a, upper=upper)
        return 2 * xad.sum(xad.log(xad.real(linalg.diagonal(factor))))

    inverse = np.linalg.inv(a)
    close(xad.grad(f)(here.array(a)), inverse)
    t = here.array(definite(kind) @ definite(kind))
    along = xad.jvp(xad.grad(f), (here.array(a),), (t,))[1]
    close(along, -inverse @ here.to_host(t) @ inverse)


def test_second_derivatives_of_the_squared_norm_by_its_spectra(here, close):
    direction = definite("real") - np.eye(3)
    along = (here.array(direction),)
    for f in (
        lambda a: xad.sum(linalg.eigvalsh(a) ** 2),
        lambda a: xad.sum(linalg.eigh(a).eigenvalues ** 2),
        lambda a: xad.sum(linalg.svdvals(a) ** 2),
        lambda a: xad.sum(linalg.svd(a).S ** 2),
        lambda a: xad.sum(xad.real(linalg.eigvals(a) ** 2)),
    ):
        at = (here.array(definite("real")),)
        close(xad.jvp(xad.grad(f), at, along)[1], 2 * direction, 1e-8)


@pytest.mark.parametrize("shape", [TALL, WIDE])
def test_the_product_of_the_factors_is_the_matrix(shape, here, close):
    g = weights(*shape)

    def by_qr(a, **keywords):
        q, r = linalg.qr(a, **keywords)
        return q @ r

    def by_svd(a):
        u, s, vh = linalg.svd(a, full_matrices=False)
        return (u * s) @ vh

    for f in (by_qr, lambda a: by_qr(a, mode="complete"), by_svd):
        pullback = xad.vjp(f, here.array(matrix("real", *shape)))[1]
        close(pullback(here.array(g))[0], g, 1e-9)


def test_full_matrices_and_complete_columns_change_no_gradient_of_the_others(here, close):
    a, w = here.array(matrix("real", 4, 2)), here.array(weights(4, 2))
    full, thin = (
        xad.grad(lambda a, f=f: xad.sum(xad.abs(linalg.svd(a, full_matrices=f).U[:, :2]) * w))(a)
        for f in (True, False)
    )
    close(full, here.to_host(thin))
    complete, reduced = (
        xad.grad(lambda a, m=m: xad.sum(linalg.qr(a, mode=m).Q[:, :2] * w))(a)
        for m in ("complete", "reduced")
    )
    close(complete, here.to_host(reduced))


def test_the_null_space_of_a_tall_matrix_by_full_factors(here):
    a, b = here.array(matrix("complex", 4, 2)), here.array(matrix("complex", 4, 4))

    def rest(vectors):
        return xad.real(xad.sum(vectors @ xad.conj(vectors.mT) * b))

    check_grads(lambda a: rest(linalg.svd(a).U[:, 2:]), (a,), order=2)
    check_grads(lambda a: rest(xad.conj(linalg.svd(a.mT).Vh[2:, :].mT)), (a,), order=2)
    check_grads(lambda a: rest(linalg.qr(a, mode="complete").Q[:, 2:]), (a,), order=2)


def test_the_pseudoinverse_of_a_matrix_that_lacks_rank(here, close):
    a, b = np.outer([1.0, 2.0, 2.0], [0.6, 0.8]), weights(2, 3)
    gradient = xad.grad(lambda a: xad.sum(linalg.pinv(a) * here.array(b)))(here.array(a))
    p = np.linalg.pinv(a)
    along = np.outer([1.0, -1.0, 0.5], [0.6, 0.8])  # Keeps the rank.
    difference = (np.linalg.pinv(a + 1e-6 * along) - np.linalg.pinv(a - 1e-6 * along)) / 2e-6
    close(np.sum(here.to_host(gradient) * along), np.sum(difference * b), 1e-8)
    close(linalg.pinv(here.array(a)), p)


# ---- results ------------------------------------------------------------------------------------

FIELDS = {
    "eig": ("eigenvalues", "eigenvectors"),
    "eigh": ("eigenvalues", "eigenvectors"),
    "qr": ("Q", "R"),
    "svd": ("U", "S", "Vh"),
}


@pytest.mark.parametrize("name", FIELDS)
def test_results_have_names_in_every_namespace(name, here):
    x = here.array(definite("real"))
    for function in (
        getattr(linalg, name),
        getattr(xad.Tensor(x).__array_namespace__().linalg, name),
        lambda x: xad.vmap(getattr(linalg, name))(xad.expand_dims(x, axis=0)),
        lambda x: xad.jvp(getattr(linalg, name), (x,), (x,))[1],
        lambda x: xad.make_program(getattr(linalg, name))(x)(x),
    ):
        result = function(x)
        assert (
            type(result).__name__
            == name.replace("qr", "QR").replace("svd", "SVD").replace("eig", "Eig") + "Result"
        )
        assert result._fields == FIELDS[name]


def test_rank_is_a_constant(here, close):
    x = here.array(np.ones((3, 2)))
    assert int(linalg.matrix_rank(x)) == 1
    gradient = xad.grad(lambda x: xad.sum(x * xad.astype(linalg.matrix_rank(x), x.dtype)))(x)
    close(gradient, np.ones((3, 2)))
