"""Probability distributions that are an incomplete gamma or beta function of something simple.

They are put together from functions that have derivatives, so that they have them too: in what
reaches the last argument of `gammainc`, `gammaincc` or `betainc`, not in the other parameters.
"""

from __future__ import annotations

from typing import Any

from xad.ops.arguments import Array
from xad.ops.elementwise_arithmetic import add, divide, multiply
from xad.ops.elementwise_discrete import floor
from xad.ops.searching import where
from xad.ops.special_declare import together
from xad.ops.special_incomplete import betainc, gammainc, gammaincc, gammainccinv

__all__ = ["chdtr", "chdtrc", "chdtri", "fdtr", "fdtrc", "gdtr", "gdtrc", "pdtr", "pdtrc"]


def _fraction(dfn: Any, dfd: Any, x: Any) -> Any:
    """dfn x / (dfd + dfn x)."""
    scaled = multiply(dfn, x)
    return divide(scaled, add(dfd, scaled))


def chdtr(v: Array, x: Array, /) -> Array:
    """The chi-square distribution with v degrees of freedom: the probability of at most x.

        y = gammainc(v/2, x/2)        dy/dx = (x/2)^(v/2-1) exp(-x/2) / (2 Γ(v/2))

    ``v``, ``x``: arrays whose shapes broadcast, of a real floating-point data
    type; a Python number takes that of the arrays beside it. Returns an array of the shape that
    they broadcast to. There is no derivative for `v`.

    Errors: TypeError for what is no array; ValueError for shapes that do not broadcast;
    BackendError if the library lacks what it is made of; NotDifferentiableError for a
    gradient of `v`.

    >>> import xad
    >>> xad.special.chdtr(2.0, xad.asarray([0.5, 0.75])).shape
    (2,)

    Source: SciPy, ``scipy.special.chdtr``.
    """
    v, x = together("special.chdtr", v, x)
    return gammainc(v / 2, x / 2)


def chdtrc(v: Array, x: Array, /) -> Array:
    """The chi-square distribution with v degrees of freedom: the probability of more than x.

        y = gammaincc(v/2, x/2)        dy/dx = -(x/2)^(v/2-1) exp(-x/2) / (2 Γ(v/2))

    ``v``, ``x``: arrays whose shapes broadcast, of a real floating-point data
    type; a Python number takes that of the arrays beside it. Returns an array of the shape that
    they broadcast to. There is no derivative for `v`.

    Errors: TypeError for what is no array; ValueError for shapes that do not broadcast;
    BackendError if the library lacks what it is made of; NotDifferentiableError for a
    gradient of `v`.

    >>> import xad
    >>> xad.special.chdtrc(2.0, xad.asarray([0.5, 0.75])).shape
    (2,)

    Source: SciPy, ``scipy.special.chdtrc``.
    """
    v, x = together("special.chdtrc", v, x)
    below = x < 0
    return where(below, 1.0, gammaincc(v / 2, where(below, 0.0, x) / 2))


def chdtri(v: Array, p: Array, /) -> Array:
    """The x at which `chdtrc` is p.

        y = 2 gammainccinv(v/2, p)        dy/dp = -2 Γ(v/2) exp(y/2) (y/2)^(1-v/2)

    ``v``, ``p``: arrays whose shapes broadcast, of a real floating-point data
    type; a Python number takes that of the arrays beside it. Returns an array of the shape that
    they broadcast to. There is no derivative for `v`.

    Errors: TypeError for what is no array; ValueError for shapes that do not broadcast;
    BackendError if the library lacks what it is made of; NotDifferentiableError for a
    gradient of `v`.

    >>> import xad
    >>> xad.special.chdtri(2.0, xad.asarray([0.5, 0.75])).shape
    (2,)

    Source: SciPy, ``scipy.special.chdtri``.
    """
    v, p = together("special.chdtri", v, p)
    return 2 * gammainccinv(v / 2, p)


def fdtr(dfn: Array, dfd: Array, x: Array, /) -> Array:
    """The F distribution with dfn and dfd degrees of freedom: the probability of at most x.

        y = betainc(dfn/2, dfd/2, u)        dy/dx = u^(dfn/2) (1-u)^(dfd/2) / (x B(dfn/2, dfd/2))
        with u = dfn x / (dfd + dfn x)

    ``dfn``, ``dfd``, ``x``: arrays whose shapes broadcast, of a real floating-point data
    type; a Python number takes that of the arrays beside it. Returns an array of the shape that
    they broadcast to. There is no derivative for `dfn` and `dfd`.

    Errors: TypeError for what is no array; ValueError for shapes that do not broadcast;
    BackendError if the library lacks what it is made of; NotDifferentiableError for a
    gradient of `dfn` and `dfd`.

    >>> import xad
    >>> xad.special.fdtr(2.0, 2.0, xad.asarray([0.5, 0.75])).shape
    (2,)

    Source: SciPy, ``scipy.special.fdtr``.
    """
    dfn, dfd, x = together("special.fdtr", dfn, dfd, x)
    return betainc(dfn / 2, dfd / 2, _fraction(dfn, dfd, x))


def fdtrc(dfn: Array, dfd: Array, x: Array, /) -> Array:
    """The F distribution with dfn and dfd degrees of freedom: the probability of more than x.

        y = 1 - fdtr(dfn, dfd, x)        dy/dx = -u^(dfn/2) (1-u)^(dfd/2) / (x B(dfn/2, dfd/2))
        with u = dfn x / (dfd + dfn x)

    ``dfn``, ``dfd``, ``x``: arrays whose shapes broadcast, of a real floating-point data
    type; a Python number takes that of the arrays beside it. Returns an array of the shape that
    they broadcast to. There is no derivative for `dfn` and `dfd`.

    Errors: TypeError for what is no array; ValueError for shapes that do not broadcast;
    BackendError if the library lacks what it is made of; NotDifferentiableError for a
    gradient of `dfn` and `dfd`.

    >>> import xad
    >>> xad.special.fdtrc(2.0, 2.0, xad.asarray([0.5, 0.75])).shape
    (2,)

    Source: SciPy, ``scipy.special.fdtrc``.
    """
    dfn, dfd, x = together("special.fdtrc", dfn, dfd, x)
    return betainc(dfd / 2, dfn / 2, divide(dfd, add(dfd, multiply(dfn, x))))


def gdtr(a: Array, b: Array, x: Array, /) -> Array:
    """The gamma distribution of rate a and shape b: the probability of at most x.

        y = gammainc(b, a x)        dy/da, dy/dx = x d, a d
        with d = (a x)^(b-1) exp(-a x) / Γ(b)

    ``a``, ``b``, ``x``: arrays whose shapes broadcast, of a real floating-point data
    type; a Python number takes that of the arrays beside it. Returns an array of the shape that
    they broadcast to. There is no derivative for `b`.

    Errors: TypeError for what is no array; ValueError for shapes that do not broadcast;
    BackendError if the library lacks what it is made of; NotDifferentiableError for a
    gradient of `b`.

    >>> import xad
    >>> xad.special.gdtr(2.0, 2.0, xad.asarray([0.5, 0.75])).shape
    (2,)

    Source: SciPy, ``scipy.special.gdtr``.
    """
    a, b, x = together("special.gdtr", a, b, x)
    return gammainc(b, multiply(a, x))


def gdtrc(a: Array, b: Array, x: Array, /) -> Array:
    """The gamma distribution of rate a and shape b: the probability of more than x.

        y = gammaincc(b, a x)        dy/da, dy/dx = -x d, -a d
        with d = (a x)^(b-1) exp(-a x) / Γ(b)

    ``a``, ``b``, ``x``: arrays whose shapes broadcast, of a real floating-point data
    type; a Python number takes that of the arrays beside it. Returns an array of the shape that
    they broadcast to. There is no derivative for `b`.

    Errors: TypeError for what is no array; ValueError for shapes that do not broadcast;
    BackendError if the library lacks what it is made of; NotDifferentiableError for a
    gradient of `b`.

    >>> import xad
    >>> xad.special.gdtrc(2.0, 2.0, xad.asarray([0.5, 0.75])).shape
    (2,)

    Source: SciPy, ``scipy.special.gdtrc``.
    """
    a, b, x = together("special.gdtrc", a, b, x)
    return gammaincc(b, multiply(a, x))


def pdtr(k: Array, m: Array, /) -> Array:
    """The Poisson distribution of mean m: the probability of at most k events.

        y = gammaincc(floor(k) + 1, m)        dy/dm = -m^k exp(-m) / k!

    ``k``, ``m``: arrays whose shapes broadcast, of a real floating-point data
    type; a Python number takes that of the arrays beside it. Returns an array of the shape that
    they broadcast to. It is a step function of `k`.

    Errors: TypeError for what is no array; ValueError for shapes that do not broadcast;
    BackendError if the library lacks what it is made of.

    >>> import xad
    >>> xad.special.pdtr(2.0, xad.asarray([0.5, 0.75])).shape
    (2,)

    Source: SciPy, ``scipy.special.pdtr``.
    """
    k, m = together("special.pdtr", k, m)
    return gammaincc(floor(k) + 1.0, m)


def pdtrc(k: Array, m: Array, /) -> Array:
    """The Poisson distribution of mean m: the probability of more than k events.

        y = gammainc(floor(k) + 1, m)        dy/dm = m^k exp(-m) / k!

    ``k``, ``m``: arrays whose shapes broadcast, of a real floating-point data
    type; a Python number takes that of the arrays beside it. Returns an array of the shape that
    they broadcast to. It is a step function of `k`.

    Errors: TypeError for what is no array; ValueError for shapes that do not broadcast;
    BackendError if the library lacks what it is made of.

    >>> import xad
    >>> xad.special.pdtrc(2.0, xad.asarray([0.5, 0.75])).shape
    (2,)

    Source: SciPy, ``scipy.special.pdtrc``.
    """
    k, m = together("special.pdtrc", k, m)
    return gammainc(floor(k) + 1.0, m)
