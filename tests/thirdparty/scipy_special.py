"""Special functions of SciPy."""

from __future__ import annotations

from typing import Any

from thirdparty.judging import Case, beside, case

X = [0.3, 0.85, 1.9]
UNIT = [0.15, 0.4, 0.85]
REAL = [-0.7, 0.4, 1.6]
ABOVE = [1.3, 2.2, 4.5]
BESIDE = [0.6, 1.7, 2.4]

UNARY = {
    # from where to take the points: the names
    "positive": (
        X,
        "cbrt entr exp1 gamma gammaln i0 i0e i1 i1e j0 j1 k0 k0e k1 k1e loggamma "
        "psi digamma rgamma sinc spence y0 y1 zetac",
    ),
    "real": (
        REAL,
        "cosdg cosm1 erf erfc erfcx exp10 exp2 expit expi exprel log_ndtr log_expit log1p "
        "ndtr sindg tandg gammasgn dawsn expm1 log_softmax softmax logsumexp",
    ),
    "unit": (UNIT, "erfinv erfcinv ellipk ellipkm1 ellipe logit ndtri"),
}

BINARY = {
    "betaln": (X, BESIDE),
    "beta": (X, BESIDE),
    "binom": (ABOVE, [0.4, 1.2, 2.3]),
    "boxcox": (X, BESIDE),
    "boxcox1p": (X, BESIDE),
    "inv_boxcox": (UNIT, BESIDE),
    "inv_boxcox1p": (UNIT, BESIDE),
    "chdtr": (ABOVE, X),
    "chdtrc": (ABOVE, X),
    "chdtri": (ABOVE, UNIT),
    "gammainc": (ABOVE, X),
    "gammaincc": (ABOVE, X),
    "gammaincinv": (ABOVE, UNIT),
    "gammainccinv": (ABOVE, UNIT),
    "huber": (X, REAL),
    "pseudo_huber": (X, REAL),
    "kl_div": (X, BESIDE),
    "pdtr": (ABOVE, X),
    "pdtrc": (ABOVE, X),
    "poch": (ABOVE, X),
    "rel_entr": (X, BESIDE),
    "stdtr": (ABOVE, REAL),
    "stdtrit": (ABOVE, UNIT),
    "xlog1py": (X, BESIDE),
    "xlogy": (X, BESIDE),
    "zeta": (ABOVE, X),
    "logaddexp": (X, BESIDE),
}

OTHERS = {
    "betainc": (X, BESIDE, UNIT),
    "betaincc": (X, BESIDE, UNIT),
    "betaincinv": (X, BESIDE, UNIT),
    "fdtr": (X, BESIDE, ABOVE),
    "fdtrc": (X, BESIDE, ABOVE),
    "fdtri": (ABOVE, ABOVE, UNIT),
    "gdtr": (X, ABOVE, BESIDE),
    "gdtrc": (X, ABOVE, BESIDE),
    "hyp1f1": (X, ABOVE, REAL),
    "hyp2f1": (X, BESIDE, ABOVE, UNIT),
}

WITH_INTEGERS = {
    # first the whole numbers, then what is differentiated
    "yn": ([1, 2, 3], ABOVE),
    "jv": ([1, 2, 3], ABOVE),
    "bdtr": ([1, 2, 3], [4, 5, 6], UNIT),
    "nbdtr": ([1, 2, 3], [4, 5, 6], UNIT),
}

BY_THE_LAST = {
    # the leading ones constant: those derivatives have no closed form
    "betainc": (X, BESIDE, UNIT),
    "betaincc": (X, BESIDE, UNIT),
    "betaincinv": (X, BESIDE, UNIT),
    "chdtr": (ABOVE, X),
    "chdtrc": (ABOVE, X),
    "chdtri": (ABOVE, UNIT),
    "fdtr": (X, BESIDE, ABOVE),
    "fdtrc": (X, BESIDE, ABOVE),
    "fdtri": (ABOVE, ABOVE, UNIT),
    "gammainc": (ABOVE, X),
    "gammaincc": (ABOVE, X),
    "gammaincinv": (ABOVE, UNIT),
    "gammainccinv": (ABOVE, UNIT),
    "gdtr": (X, ABOVE, BESIDE),
    "gdtrc": (X, ABOVE, BESIDE),
    "hyp1f1": (X, ABOVE, REAL),
    "pdtr": ([1.0, 2.0, 3.0], X),
    "pdtrc": ([1.0, 2.0, 3.0], X),
    "stdtr": (ABOVE, REAL),
    "stdtrit": (ABOVE, UNIT),
    "zeta": (ABOVE, X),
}


def by_the_last(function: Any, leading: list[Any]) -> Any:
    """The function of its last argument, the others constant."""
    return lambda x: function(*[beside(x, values) for values in leading], x)


def cases() -> list[Case]:
    """All of them."""
    from scipy import special

    found = []
    tables = {name: (points,) for points, names in UNARY.values() for name in names.split()}
    for name, arrays in {**tables, **BINARY, **OTHERS, **WITH_INTEGERS}.items():
        function = getattr(special, name, None)
        if function is not None:
            found.append(case(f"scipy.special.{name}", function, *arrays))
    for name, (*leading, last) in BY_THE_LAST.items():
        call = by_the_last(getattr(special, name), leading)
        found.append(case(f"scipy.special.{name} by the last", call, last))
    found += [
        case("scipy.special.polygamma", lambda x: special.polygamma(2, x), ABOVE),
        case("scipy.special.expn", lambda x: special.expn(3, x), X),
        case("scipy.special.multigammaln", lambda x: special.multigammaln(x, 2), ABOVE),
        case("scipy.special.softmax axis", lambda x: special.softmax(x, axis=0), [REAL, X]),
        case("scipy.special.logsumexp axis", lambda x: special.logsumexp(x, axis=1), [REAL, X]),
        case("scipy.special.logsumexp b", lambda x, b: special.logsumexp(x, b=b), REAL, BESIDE),
        case("scipy.special.radian", lambda d: special.radian(d, d * 2, d * 3), X),
    ]
    return found
