"""Eigenvalues, eigenvectors and singular values (linear algebra extension)."""

from __future__ import annotations

from typing import Any, NamedTuple

from xad.core.batching import shifted
from xad.core.boxing import box
from xad.core.rules import General
from xad.core.several import Several
from xad.ops.arguments import Array
from xad.ops.declare import register
from xad.ops.linalg_arguments import adjoint, floating, matrices, square_matrices
from xad.ops.linalg_decompositions import tuple_kernel
from xad.ops.linalg_gaps import as_column, as_row, gaps, inverses, skew

__all__ = ["eig", "eigh", "eigvals", "eigvalsh", "svdvals"]


# ---- symmetric and Hermitian matrices ------------------------------------------------------------


class EighResult(NamedTuple):
    """What `eigh` returns: real ``eigenvalues``, rising, and orthonormal ``eigenvectors``."""

    eigenvalues: Array
    eigenvectors: Array


def _eigh_vjp(xp: Any, w: Any, v: Any, g_w: Any, g_v: Any) -> Any:
    turn = inverses(xp, gaps(xp, w), w) * skew(xp, adjoint(xp, v) @ g_v)
    return (v * as_row(xp, g_w) + v @ turn) @ adjoint(xp, v)


_eigh = register(
    Several(
        "linalg.eigh",
        "x",
        "w v",
        vjp={"x": _eigh_vjp},
        batch=shifted(axis=()),
        kernel=tuple_kernel("linalg.eigh"),
    )
)


def _eigvalsh_vjp(xp: Any, g: Any, x: Any) -> Any:
    v = xp.linalg.eigh(x)[1]
    return (v * as_row(xp, g)) @ adjoint(xp, v)


_eigvalsh = register(
    General("linalg.eigvalsh", "x", vjp={"x": _eigvalsh_vjp}, batch=shifted(axis=()))
)


def eigh(x: Array, /) -> EighResult:
    """Eigenvalues and eigenvectors of each symmetric (or complex Hermitian) matrix.

        A = V diag(w) Vᴴ        dw = diag(P),  dV = V Ω,  Ω_ij = P_ij / (w_j - w_i),  P = Vᴴ dA V

    ``x``: matrices (..., n, n) of a floating-point data type; the library reads the lower
    triangle. The gradient is symmetric (Hermitian): that by all symmetric changes of ``x``.
    Returns a named tuple ``EighResult(eigenvalues, eigenvectors)``: real numbers, rising, of
    shape (..., n), and the matrices V, (..., n, n), with an eigenvector in each column.

    The sign, or the complex phase, of an eigenvector is arbitrary, and derivatives hold it fixed:
    they are right for functions that do not depend on it. Where eigenvalues are equal to within
    rounding errors (64 eps times the largest in size), eigenvectors turn freely, and the
    quotients Ω_ij count as 0. That is right for gradients of symmetric functions of the
    eigenvalues and of the span of such a group of eigenvectors, not for others, and not for
    second derivatives.

    Errors: ShapeError for what is no square matrix, DTypeError for integers.

    >>> import numpy as np, xad
    >>> np.asarray(xad.linalg.eigh(np.asarray([[2.0, 1.0], [1.0, 2.0]])).eigenvalues)
    array([1., 3.])

    Source: Array API standard 2025.12, linear algebra extension. Rule: Giles, An extended
    collection of matrix derivative results (2008), section 3.1.
    """
    return EighResult(*box(_eigh.bind(square_matrices("linalg.eigh", x))))


def eigvalsh(x: Array, /) -> Array:
    """Eigenvalues of each symmetric (or complex Hermitian) matrix, rising.

        w_i = v_iᴴ A v_i        in reverse g -> V diag(g) Vᴴ

    ``x``: matrices (..., n, n) of a floating-point data type; the library reads the lower
    triangle. Returns real numbers of shape (..., n). Nothing is divided by gaps: the gradient of
    a symmetric function of the eigenvalues is exact also where some are equal. (Second
    derivatives are as `eigh` says.)

    Errors: ShapeError for what is no square matrix, DTypeError for integers.

    >>> import numpy as np, xad
    >>> xad.grad(lambda a: xad.sum(xad.linalg.eigvalsh(a)))(np.eye(2))
    array([[1., 0.],
           [0., 1.]])

    Source: Array API standard 2025.12, linear algebra extension. Rule: Giles, An extended
    collection of matrix derivative results (2008), section 3.1.
    """
    return box(_eigvalsh.bind(square_matrices("linalg.eigvalsh", x)))


# ---- singular values -----------------------------------------------------------------------------


def _svdvals_vjp(xp: Any, g: Any, x: Any) -> Any:
    u, s, vh = xp.linalg.svd(x, full_matrices=False)
    return (u * (as_row(xp, g * s) * inverses(xp, as_row(xp, s), s))) @ vh


_svdvals = register(General("linalg.svdvals", "x", vjp={"x": _svdvals_vjp}, batch=shifted(axis=())))


def svdvals(x: Array, /) -> Array:
    """Singular values of each matrix, falling.

        s_i = u_iᴴ A v_i        in reverse g -> U diag(g) Vᴴ

    ``x``: matrices (..., m, n) of a floating-point data type, real or complex. Returns real
    numbers of shape (..., min(m, n)). Nothing is divided by gaps: the gradient of a symmetric
    function of the singular values is exact also where some are equal. Where one is zero, to
    within rounding errors (64 eps times the largest), it has the gradient 0, a subgradient, as
    ``abs`` has at 0. (Second derivatives are as `svd` says.)

    Errors: ShapeError for arrays with fewer than two axes, DTypeError for integers.

    >>> import numpy as np, xad
    >>> xad.grad(lambda a: xad.sum(xad.linalg.svdvals(a)))(np.asarray([[3.0, 0.0], [0.0, 0.0]]))
    array([[1., 0.],
           [0., 0.]])

    Source: Array API standard 2025.12, linear algebra extension. Rule: Giles, An extended
    collection of matrix derivative results (2008), section 3.2.
    """
    return box(_svdvals.bind(floating("linalg.svdvals", matrices("linalg.svdvals", x))))


# ---- general square matrices ---------------------------------------------------------------------


class EigResult(NamedTuple):
    """What `eig` returns: complex ``eigenvalues``, and ``eigenvectors`` of length one."""

    eigenvalues: Array
    eigenvectors: Array


def _eig_vjp(xp: Any, w: Any, v: Any, g_w: Any, g_v: Any) -> Any:
    across = adjoint(xp, v)
    turn = across @ g_v
    # Eigenvectors keep their length.
    lengths = xp.real(xp.sum(xp.conj(v) * g_v, axis=-2, keepdims=True))
    turn = (turn - (across @ v) * lengths) * inverses(xp, xp.conj(gaps(xp, w)), w)
    return xp.linalg.solve(across, turn @ across + as_column(xp, g_w) * across)


_eig = register(
    Several(
        "linalg.eig",
        "x",
        "w v",
        vjp={"x": _eig_vjp},
        batch=shifted(axis=()),
        kernel=tuple_kernel("linalg.eig"),
    )
)


def _eigvals_vjp(xp: Any, g: Any, x: Any) -> Any:
    across = adjoint(xp, xp.linalg.eig(x)[1])
    return xp.linalg.solve(across, as_column(xp, g) * across)


_eigvals = register(General("linalg.eigvals", "x", vjp={"x": _eigvals_vjp}, batch=shifted(axis=())))


def eig(x: Array, /) -> EigResult:
    """Eigenvalues and eigenvectors of each square matrix.

        A = V diag(w) V⁻¹        dw = diag(P),  dV = V Ω,  Ω_ij = P_ij / (w_j - w_i),  P = V⁻¹ dA V

    and the columns of dV without their parts along those of V, as those keep their length.
    ``x``: matrices (..., n, n) of a floating-point data type, real or complex. Returns a named
    tuple ``EigResult(eigenvalues, eigenvectors)`` of complex numbers: (..., n), in no order, and
    the matrices V, (..., n, n), with an eigenvector of length one in each column.

    The phase of an eigenvector is arbitrary, and derivatives hold it fixed: they are right for
    functions that do not depend on it. Where eigenvalues are equal to within rounding errors, the
    quotients Ω_ij count as 0: see `eigh`. At a matrix without n independent eigenvectors there is
    no derivative: gradients mean nothing, and the library may raise its error for singular
    matrices while they are computed.

    Errors: ShapeError for what is no square matrix, DTypeError for integers.

    >>> import numpy as np, xad
    >>> np.asarray(xad.linalg.eig(np.asarray([[0.0, 1.0], [-1.0, 0.0]])).eigenvalues)
    array([0.+1.j, 0.-1.j])

    Source: Array API standard 2025.12, linear algebra extension. Rule: Boeddeker, Hanebrink,
    Drude, Heymann and Haeb-Umbach, On the computation of complex-valued gradients with
    application to statistically optimum beamforming (2017), section 4.18.
    """
    return EigResult(*box(_eig.bind(square_matrices("linalg.eig", x))))


def eigvals(x: Array, /) -> Array:
    """Eigenvalues of each square matrix.

        A = V diag(w) V⁻¹        in reverse g -> V⁻ᴴ diag(g) Vᴴ

    ``x``: matrices (..., n, n) of a floating-point data type, real or complex. Returns complex
    numbers of shape (..., n), in no order. Nothing is divided by gaps, see `eigvalsh`; but a
    matrix without n independent eigenvectors has no derivative, see `eig`.

    Errors: ShapeError for what is no square matrix, DTypeError for integers.

    >>> import numpy as np, xad
    >>> np.asarray(xad.linalg.eigvals(np.asarray([[0.0, 1.0], [-1.0, 0.0]])))
    array([0.+1.j, 0.-1.j])

    Source: Array API standard 2025.12, linear algebra extension. Rule: as that of `eig`.
    """
    return box(_eigvals.bind(square_matrices("linalg.eigvals", x)))
