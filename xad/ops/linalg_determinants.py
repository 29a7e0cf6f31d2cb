"""Determinants (linear algebra extension), exact also where a matrix is singular.

The determinant is a polynomial, so its derivatives exist everywhere. The first is the adjugate

    d det(A) = tr(adj(A) dA)        adj(A) = det(A) A⁻¹ where A is regular.

For other matrices take A = U S Vᴴ, the singular value decomposition. As adj(P Q) = adj(Q) adj(P),

    adj(A) = c V adj(S) Uᴴ        c = det(U) det(Vᴴ), adj(S)_ii = product of all s_k but s_i

which divides by nothing. A derivative of adj(A) only asks how the polynomial changes near S:

    d adj(A) = c V D Uᴴ        T = Uᴴ dA V
    D_ii = Σ_k≠i P_ik T_kk,  D_ij = -P_ij T_ij        P_ij = product of all s_k but s_i and s_j

That makes first and second derivatives. Third and higher ones go by way of A⁻¹, nan if singular.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from xad.backend.adapter import Adapter
from xad.core.batching import aligned, shifted
from xad.core.boxing import box
from xad.core.conform import is_complex
from xad.core.primitive import Kernel, Primitive
from xad.core.rules import General
from xad.core.several import Several
from xad.ops.arguments import Array
from xad.ops.declare import register
from xad.ops.linalg_arguments import adjoint, square_matrices
from xad.ops.linalg_solving import inverse_or_nan

__all__ = ["det", "slogdet"]

LAST_TWO = (-2, -1)

# Up to which condition number, as a power of 1/eps, derivatives go by way of the inverse: that is
# several times faster, and their relative errors are eps times that number.
POWER = 1 / 3


class SlogdetResult(NamedTuple):
    """What `slogdet` returns: ``sign`` and ``logabsdet``, arrays of shape (...)."""

    sign: Array
    logabsdet: Array


def _over_matrices(xp: Any, numbers: Any) -> Any:
    """One number for each matrix, shaped to multiply it."""
    return xp.reshape(numbers, (*numbers.shape, 1, 1))


def _trace_of_product(xp: Any, a: Any, b: Any) -> Any:
    return xp.sum(xp.matrix_transpose(a) * b, axis=LAST_TWO)


# ---- the adjugate and its derivative, as formulas ------------------------------------------------


def _regular(adapter: Adapter, x: Any) -> tuple[Any, Any] | None:
    """det(x) and the inverse, or None unless all matrices are far from singular.

    Only kernels may ask: it looks at values.
    """
    if adapter.lazy(x):
        return None
    xp = adapter.namespace
    try:
        y = xp.linalg.inv(x)
    except (ValueError, RuntimeError):  # NumPy's LinAlgError is the one, torch's the other.
        return None
    d = xp.linalg.det(x)
    info = xp.finfo(x.dtype)
    squared = [xp.sum(xp.abs(m) ** 2, axis=LAST_TWO) for m in (x, y)]
    good = squared[0] * squared[1] < info.eps ** (-2 * POWER)
    good = good & (xp.abs(d) > info.smallest_normal)
    return (d, y) if bool(xp.all(good)) else None


class _Factors(NamedTuple):
    """What the formulas above are made of; P has the diagonal of adj(S) on its own."""

    c: Any
    u_adjoint: Any
    v: Any
    p: Any
    on_diagonal: Any


def _factors(adapter: Adapter, x: Any) -> _Factors:
    xp = adapter.namespace
    u, s, vh = xp.linalg.svd(x, full_matrices=False)
    n = s.shape[-1]
    on_diagonal = xp.eye(n, dtype=xp.bool, device=adapter.device_of(x))
    factors = xp.where(on_diagonal, 1.0, xp.reshape(s, (*s.shape[:-1], 1, n)))
    p = _exclusive(xp, factors) * xp.flip(_exclusive(xp, xp.flip(factors, axis=-1)), axis=-1)
    c = _over_matrices(xp, xp.linalg.det(u) * xp.linalg.det(vh))
    return _Factors(c, adjoint(xp, u), adjoint(xp, vh), xp.astype(p, x.dtype), on_diagonal)


def _exclusive(xp: Any, x: Any) -> Any:
    """Along the last axis, the product of the elements before each one."""
    return xp.cumulative_prod(x, axis=-1, include_initial=True)[..., :-1]


def _finite(xp: Any, x: Any) -> tuple[Any, Any]:
    """Which matrices are finite, and ``x`` with zeros for the others: svd may fail on them."""
    finite = xp.all(xp.isfinite(x), axis=LAST_TWO, keepdims=True)
    return finite, xp.where(finite, x, 0.0)


def _adjugate_kernel(adapter: Adapter) -> Kernel:
    xp = adapter.namespace

    def compute(x: Any) -> Any:
        regular = _regular(adapter, x)
        if regular is not None:
            return _over_matrices(xp, regular[0]) * regular[1]
        finite, x = _finite(xp, x)
        c, u_adjoint, v, p, _ = _factors(adapter, x)
        others = xp.expand_dims(xp.linalg.diagonal(p), axis=-2)
        return xp.where(finite, c * xp.matmul(v * others, u_adjoint), xp.nan)

    return compute


def _change_kernel(adapter: Adapter) -> Kernel:
    xp = adapter.namespace

    def compute(x: Any, t: Any) -> Any:
        regular = _regular(adapter, x)
        if regular is not None:
            d, y = regular
            return _over_matrices(xp, d) * _by_inverse(xp, y, t)
        finite, x = _finite(xp, x)
        c, u_adjoint, v, p, on_diagonal = _factors(adapter, x)
        t = xp.matmul(xp.matmul(u_adjoint, t), v)
        of_others = xp.where(on_diagonal, 0.0, p * xp.expand_dims(xp.linalg.diagonal(t), axis=-2))
        inner = xp.where(on_diagonal, xp.sum(of_others, axis=-1, keepdims=True), -p * t)
        return xp.where(finite, c * xp.matmul(xp.matmul(v, inner), u_adjoint), xp.nan)

    return compute


def _by_inverse(xp: Any, y: Any, t: Any) -> Any:
    """The derivative of the adjugate along ``t`` over the determinant, ``y`` being A⁻¹."""
    yt = xp.matmul(y, t)
    trace = _over_matrices(xp, xp.sum(xp.linalg.diagonal(yt), axis=-1))
    return trace * y - xp.matmul(yt, y)


def _second_change(xp: Any, x: Any, t: Any, w: Any) -> Any:
    """The derivative along ``w`` of that of the adjugate along ``t``, for regular ``x``."""
    y = inverse_or_nan.bind(x)
    ty, wy = xp.matmul(t, y), xp.matmul(w, y)
    tr_t, tr_w = (_over_matrices(xp, xp.sum(xp.linalg.diagonal(m), axis=-1)) for m in (ty, wy))
    tr_both = _over_matrices(xp, _trace_of_product(xp, ty, wy))
    products = xp.matmul(ty, wy) + xp.matmul(wy, ty) - tr_w * ty - tr_t * wy
    change = (tr_t * tr_w - tr_both) * y + xp.matmul(y, products)
    return _over_matrices(xp, _det.bind(x)) * change


# ---- the primitives ------------------------------------------------------------------------------

# With d adj(A)[T] for the derivative along T, tr(W d adj(A)[T]) is symmetric in T and W, and
# adj(Aᴴ) = adj(A)ᴴ. So the transpose of each rule is the same rule at Aᴴ.

_adjugate = register(
    General(
        "linalg.adjugate",
        "x",
        vjp={"x": lambda xp, g, x: _change.bind(adjoint(xp, x), g)},
        jvp={"x": lambda t, x: _change.bind(x, t)},
        batch=shifted(axis=()),
        kernel=_adjugate_kernel,
    )
)
_change: Primitive = register(
    General(
        "linalg.adjugate_change",
        "x w",
        vjp={
            "x": lambda xp, g, x, w: _second_change(xp, adjoint(xp, x), adjoint(xp, w), g),
            "w": lambda xp, g, x: _change.bind(adjoint(xp, x), g),
        },
        jvp={
            "x": lambda xp, t, x, w: _second_change(xp, x, w, t),
            "w": lambda t, x: _change.bind(x, t),
        },
        batch=aligned,
        kernel=_change_kernel,
    )
)
_det: Primitive = register(
    General(
        "linalg.det",
        "x",
        vjp={"x": lambda xp, g, x: _over_matrices(xp, g) * _adjugate.bind(adjoint(xp, x))},
        jvp={"x": lambda xp, t, x: _trace_of_product(xp, _adjugate.bind(x), t)},
        batch=shifted(axis=()),
    )
)


def det(x: Array, /) -> Array:
    """Determinant of each square matrix.

        y = det(X)        dy = tr(adj(X) dX), and in reverse g -> g adj(X)ᴴ

    adj(X), the adjugate, is det(X) X⁻¹ for regular matrices. It exists for singular ones too, and
    first and second derivatives are exact for both. Third and higher ones of singular matrices are
    not finite.

    ``x``: an array of shape (..., n, n), of a floating-point data type, real or complex. Returns
    an array of shape (...) and the same data type. For large matrices `slogdet` does not overflow.

    Errors: ShapeError for what is no square matrix, DTypeError for integers.

    >>> import numpy as np, xad
    >>> gradient = xad.grad(xad.linalg.det)(np.asarray([[1.0, 2.0], [2.0, 4.0]]))
    >>> np.allclose(gradient, [[4.0, -2.0], [-2.0, 1.0]])
    True

    Source: Array API standard 2025.12, linear algebra extension. Rule: Jacobi's formula; for
    singular matrices Stewart, On the adjugate matrix, Linear Algebra and its Applications 283
    (1998).
    """
    return box(_det.bind(square_matrices("linalg.det", x)))


# ---- sign and logarithm --------------------------------------------------------------------------


def _slogdet_back(xp: Any, g_sign: Any, g_logabsdet: Any, sign: Any, x: Any) -> Any:
    """d log(det X) = tr(X⁻¹ dX): the real part moves the logarithm, the imaginary one the sign."""
    g = g_logabsdet
    if is_complex(x.dtype, x):
        g = g + 1j * xp.astype(xp.imag(xp.conj(sign) * g_sign), x.dtype)
    return _over_matrices(xp, g) * inverse_or_nan.bind(adjoint(xp, x))


def _slogdet_kernel(adapter: Adapter) -> Kernel:
    function = adapter.kernel("linalg.slogdet")
    return lambda x: tuple(function(x))


_slogdet = register(
    Several(
        "linalg.slogdet",
        "x",
        "sign logabsdet",
        vjp={"x": _slogdet_back},
        batch=shifted(axis=()),
        kernel=_slogdet_kernel,
    )
)


def slogdet(x: Array, /) -> SlogdetResult:
    """Sign and logarithm of the absolute value of each determinant.

        det(X) = sign exp(logabsdet)        d logabsdet = Re tr(X⁻¹ dX)

    For complex matrices the sign is a number on the unit circle: d sign = i Im tr(X⁻¹ dX) sign.
    For real ones it is 1, -1 or 0, and constant.

    ``x``: an array of shape (..., n, n), of a floating-point data type, real or complex. Returns
    ``SlogdetResult(sign, logabsdet)``, two arrays of shape (...), the second one real. A singular
    matrix has sign 0 and logarithm -inf, and its derivative is not finite.

    Errors: ShapeError for what is no square matrix, DTypeError for integers.

    >>> import numpy as np, xad
    >>> xad.grad(lambda x: xad.linalg.slogdet(x).logabsdet)(np.asarray([[-2.0]]))
    array([[-0.5]])

    Source: Array API standard 2025.12, linear algebra extension. Rule: Giles, An extended
    collection of matrix derivative results (2008), section 2.2.4.
    """
    return SlogdetResult(*box(_slogdet.bind(square_matrices("linalg.slogdet", x))))
