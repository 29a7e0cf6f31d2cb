"""Factors of matrices that always exist (linear algebra extension): Cholesky, QR, and the SVD.

What a factor is determined up to, such as the sign of a singular vector, is left as the library
chooses it; derivatives hold the choice fixed. So those of a function are right if its value does
not depend on the choice.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from xad.backend.adapter import Adapter
from xad.core.batching import shifted
from xad.core.boxing import box
from xad.core.primitive import Kernel
from xad.core.rules import General
from xad.core.several import Several
from xad.ops.arguments import Array
from xad.ops.declare import register
from xad.ops.linalg_arguments import adjoint, floating, matrices, square_matrices
from xad.ops.linalg_gaps import as_column, as_row, gaps, inverses, skew

__all__ = ["cholesky", "qr", "svd"]


def tuple_kernel(name: str) -> Any:
    """The kernel of a function that returns a named tuple."""

    def kernel(adapter: Adapter) -> Kernel:
        function = adapter.kernel(name)
        return lambda x, **params: tuple(function(x, **params))

    return kernel


# ---- cholesky ------------------------------------------------------------------------------------


def _lower_half(xp: Any, x: Any) -> Any:
    """The lower triangle, half of its diagonal: with its transpose it makes ``x``, if symmetric."""
    return (xp.tril(x) + xp.tril(x, k=-1)) / 2


def _cholesky_vjp(xp: Any, g: Any, y: Any, upper: bool) -> Any:
    # dL = L Φ(L⁻¹ dA L⁻ᴴ), Φ the lower half. L is triangular, so that solve only substitutes.
    across, g = (y, adjoint(xp, g)) if upper else (adjoint(xp, y), g)
    half = _lower_half(xp, across @ g)
    half = xp.linalg.solve(across, half + adjoint(xp, half))
    whole = xp.linalg.solve(across, adjoint(xp, half))
    return (whole + adjoint(xp, whole)) / 4


_cholesky = register(
    General("linalg.cholesky", "x", vjp={"x": _cholesky_vjp}, batch=shifted(axis=()))
)


def cholesky(x: Array, /, *, upper: bool = False) -> Array:
    """Cholesky factor of each positive definite matrix.

        A = L Lᴴ        dL = L Φ(L⁻¹ dA L⁻ᴴ)

    where Φ takes the lower triangle and half of the diagonal. ``x``: matrices (..., n, n),
    symmetric or, if complex, Hermitian, of a floating-point data type; the library reads one
    triangle. The gradient is symmetric (Hermitian): that by all symmetric changes of ``x``.
    ``upper`` asks for Lᴴ in place of L. Returns an array of the same shape and data type.

    Errors: ShapeError for what is no square matrix, DTypeError for integers, the library's own
    (NumPy: ``LinAlgError``) for a matrix that is not positive definite.

    >>> import numpy as np, xad
    >>> factor = xad.linalg.cholesky(np.asarray([[4.0, 2.0], [2.0, 5.0]]))
    >>> np.asarray(factor)
    array([[2., 0.],
           [1., 2.]])

    Source: Array API standard 2025.12, linear algebra extension. Rule: Murray, Differentiation of
    the Cholesky decomposition (2016).
    """
    return box(_cholesky.bind(square_matrices("linalg.cholesky", x), upper=bool(upper)))


# ---- qr ------------------------------------------------------------------------------------------


class QRResult(NamedTuple):
    """What `qr` returns: ``Q`` with orthonormal columns, ``R`` upper triangular."""

    Q: Array
    R: Array


def _transported(xp: Any, q: Any, g: Any, k: int) -> tuple[Any, Any]:
    """The first ``k`` columns of ``q``, and the cotangent of them that stands for that of all.

    The other columns, Q₂, span what is left. They turn only as the first make them, and not among
    themselves: dQ₂ = -Q₁ dQ₁ᴴ Q₂. Which is right for all that depends on their span alone.
    """
    if q.shape[-1] == k:
        return q, g
    first, rest = q[..., :k], q[..., k:]
    return first, g[..., :k] - rest @ (adjoint(xp, g[..., k:]) @ first)


def _qr_vjp(xp: Any, q: Any, r: Any, g_q: Any, g_r: Any) -> Any:
    m, n = q.shape[-2], r.shape[-1]
    k = min(m, n)
    q, g_q = _transported(xp, q, g_q, k)
    r, g_r = r[..., :k, :], g_r[..., :k, :]
    if n <= m:
        return _tall_qr_vjp(xp, q, r, g_q, g_r)
    # A = [A₁ A₂]: Q and R₁ are the factors of A₁, and R₂ = Qᴴ A₂.
    rest, g_rest = r[..., m:], g_r[..., m:]
    g_q = g_q + q @ (rest @ adjoint(xp, g_rest))
    first = _tall_qr_vjp(xp, q, r[..., :m], g_q, g_r[..., :m])
    return xp.concat([first, q @ g_rest], axis=-1)


def _tall_qr_vjp(xp: Any, q: Any, r: Any, g_q: Any, g_r: Any) -> Any:
    half = adjoint(xp, _lower_half(xp, r @ adjoint(xp, g_r) - adjoint(xp, g_q) @ q))
    g = g_q + q @ (half + adjoint(xp, half))
    return adjoint(xp, xp.linalg.solve(r, adjoint(xp, g)))


_qr = register(
    Several(
        "linalg.qr",
        "x",
        "q r",
        vjp={"x": _qr_vjp},
        batch=shifted(axis=()),
        kernel=tuple_kernel("linalg.qr"),
    )
)


def qr(x: Array, /, *, mode: Literal["reduced", "complete"] = "reduced") -> QRResult:
    """Factors of each matrix: orthonormal columns times an upper triangle.

        A = Q R        dQ = Q Ω + (1 - Q Qᴴ) dA R⁻¹,  dR = (Qᴴ dA R⁻¹ - Ω) R

    with Ω skew-Hermitian, such that dR stays a triangle with a real diagonal. ``x``: matrices
    (..., m, n), tall, square or wide, of a floating-point data type. ``mode``: "reduced" gives Q
    of shape (..., m, k) and R (..., k, n), where k = min(m, n); "complete" (..., m, m) and
    (..., m, n). Returns a named tuple ``QRResult(Q, R)`` of the data type of ``x``.

    The columns that "complete" adds to a tall matrix are arbitrary but for their span, and their
    derivative is that of the span: right for functions of Q₂ Q₂ᴴ, for example. Derivatives exist
    where the first k columns of ``x`` are independent. Elsewhere gradients mean nothing, and the
    library may raise its error for singular matrices while they are computed.

    Errors: ShapeError for arrays with fewer than two axes, DTypeError for integers, ValueError
    for another ``mode``.

    >>> import numpy as np, xad
    >>> q, r = xad.linalg.qr(np.ones((3, 2)), mode="complete")
    >>> q.shape, r.shape
    ((3, 3), (3, 2))

    Source: Array API standard 2025.12, linear algebra extension. Rule: Walter, Lehmann and
    Lamour, On evaluating higher-order derivatives of the QR decomposition (2012); wide matrices:
    Roberts and Roberts, QR and LQ decomposition matrix backpropagation algorithms (2020).
    """
    x = floating("linalg.qr", matrices("linalg.qr", x))
    if mode not in ("reduced", "complete"):
        raise ValueError(f"xad.linalg.qr: expected the mode 'reduced' or 'complete', got {mode!r}")
    return QRResult(*box(_qr.bind(x, mode=mode)))


# ---- svd -----------------------------------------------------------------------------------------


class SVDResult(NamedTuple):
    """What `svd` returns: ``U`` and ``Vh`` unitary, ``S`` the singular values, falling."""

    U: Array
    S: Array
    Vh: Array


def _svd_vjp(xp: Any, u: Any, s: Any, vh: Any, g_u: Any, g_s: Any, g_vh: Any) -> Any:
    k = s.shape[-1]
    u, g_u = _transported(xp, u, g_u, k)
    v, g_v = _transported(xp, adjoint(xp, vh), adjoint(xp, g_vh), k)
    vh = adjoint(xp, v)
    # What U and V turn by together meets the gaps of S; what they turn by apart, the sums.
    turn_u, turn_v = skew(xp, adjoint(xp, u) @ g_u), skew(xp, vh @ g_v)
    together = inverses(xp, gaps(xp, s), s) * (turn_u + turn_v)
    apart = inverses(xp, as_row(xp, s) + as_column(xp, s), s) * (turn_u - turn_v)
    inverse = inverses(xp, as_row(xp, s), s)
    g = (u @ (together + apart) + u * (as_row(xp, g_s * s) * inverse)) @ vh
    if u.shape[-2] > k:
        g = g + ((g_u - u @ (adjoint(xp, u) @ g_u)) * inverse) @ vh
    if v.shape[-2] > k:
        g = g + (u * inverse) @ adjoint(xp, g_v - v @ (vh @ g_v))
    return g


_svd = register(
    Several(
        "linalg.svd",
        "x",
        "u s vh",
        vjp={"x": _svd_vjp},
        batch=shifted(axis=()),
        kernel=tuple_kernel("linalg.svd"),
    )
)


def svd(x: Array, /, *, full_matrices: bool = True) -> SVDResult:
    """Singular values and singular vectors of each matrix.

        A = U S Vᴴ        dS = Re diag(P),  dU = U Ω + (1 - U Uᴴ) dA V S⁻¹,  and so for V
        (Ωᵤ + Ωᵥ)_ij = (P + Pᴴ)_ij / (s_j - s_i),  (Ωᵤ - Ωᵥ)_ij = (P - Pᴴ)_ij / (s_j + s_i)

    where P = Uᴴ dA V. ``x``: matrices (..., m, n) of a floating-point data type, real or complex;
    k = min(m, n). ``full_matrices`` True gives U of shape (..., m, m) and Vh (..., n, n); False
    (..., m, k) and (..., k, n). S is (..., k), real and falling. Returns a named tuple
    ``SVDResult(U, S, Vh)``.

    What the factors are determined up to, derivatives hold fixed; they are right for functions
    that do not depend on it. That is the sign, or for complex ``x`` the phase, of each pair of
    singular vectors; and a turn among the columns that full matrices add, of which only the span
    counts. Where singular values are equal, or zero, to within rounding errors (64 eps times the
    largest), the singular vectors turn freely too: the quotients above count as 0 there. That is
    right for gradients of symmetric functions of S and of the span of such a group of vectors,
    not for others, and not for second derivatives. A singular value that is zero has the gradient
    0, a subgradient, as ``abs`` has at 0.

    Errors: ShapeError for arrays with fewer than two axes, DTypeError for integers.

    >>> import numpy as np, xad
    >>> u, s, vh = xad.linalg.svd(np.ones((3, 2)))
    >>> u.shape, s.shape, vh.shape
    ((3, 3), (2,), (2, 2))

    Source: Array API standard 2025.12, linear algebra extension. Rule: Townsend, Differentiating
    the singular value decomposition (2016); Wan and Zhang, Automatic differentiation for complex
    valued SVD (2019).
    """
    x = floating("linalg.svd", matrices("linalg.svd", x))
    return SVDResult(*box(_svd.bind(x, full_matrices=bool(full_matrices))))
