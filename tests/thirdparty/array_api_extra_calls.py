"""Functions of array-api-extra."""

from __future__ import annotations

from typing import Any

from array_api_compat import array_namespace

from thirdparty.judging import Case, beside, case

X = [0.8, 1.9, -0.4, 2.7, 0.1, -1.3]
Y = [1.2, -0.7, 0.6, 0.3, 2.2, -1.6]
TABLE = [[0.8, 1.9, -0.4], [2.7, 0.1, -1.3], [0.5, -0.9, 1.4]]


def mask(x: Any) -> Any:
    """Which elements are positive, as code that chooses by value would ask."""
    return x > 0


def cases() -> list[Case]:
    """All of them."""
    return [*_functions(), *_assignments()]


def _functions() -> list[Case]:
    import array_api_extra as xpx

    def of(name: str, function: Any, *arrays: Any) -> Case:
        return case(f"array_api_extra.{name}", function, *arrays)

    return [
        of("angle", lambda x, y: xpx.angle(x + 1j * y), X, Y),
        of("angle real", xpx.angle, X),
        of("apply_where", lambda x: xpx.apply_where(mask(x), x, root, twice), X),
        of("apply_where fill", lambda x: xpx.apply_where(mask(x), x, root, fill_value=0.5), X),
        of("apply_where pair", lambda x, y: xpx.apply_where(mask(x), (x, y), times, plus), X, Y),
        of("argpartition", lambda x: xpx.argpartition(x, 2), X),
        of("atleast_nd", lambda x: xpx.atleast_nd(x, ndim=3), X),
        of("cov", xpx.cov, TABLE),
        of("cov one", xpx.cov, X),
        of("cov correction", lambda x: xpx.cov(x, correction=0), TABLE),
        of("cov weights", lambda x, w: xpx.cov(x, aweights=w), TABLE, [0.5, 0.3, 0.9]),
        of("create_diagonal", xpx.create_diagonal, X),
        of("create_diagonal offset", lambda x: xpx.create_diagonal(x, offset=-1), TABLE),
        of("deg2rad", xpx.deg2rad, X),
        of("rad2deg", xpx.rad2deg, X),
        of("expand_dims", lambda x: xpx.expand_dims(x, axis=(0, 2)), X),
        of("isclose", xpx.isclose, X, Y),
        of("isin", xpx.isin, X, Y),
        of("kron", xpx.kron, TABLE, TABLE[::-1]),
        of("kron vectors", xpx.kron, X, Y),
        of("nan_to_num", xpx.nan_to_num, X),
        of("nan_to_num with nan", with_nan(xpx.nan_to_num), X),
        of("nanmax", xpx.nanmax, TABLE),
        of("nanmax axis", with_nan(lambda x: xpx.nanmax(x, axis=0)), TABLE),
        of("nanmean", xpx.nanmean, TABLE),
        of("nanmean axis", with_nan(lambda x: xpx.nanmean(x, axis=0)), TABLE),
        of("nanmin", xpx.nanmin, TABLE),
        of("nanmin axis", with_nan(lambda x: xpx.nanmin(x, axis=0)), TABLE),
        of("nansum", xpx.nansum, TABLE),
        of("nansum axis", with_nan(lambda x: xpx.nansum(x, axis=0)), TABLE),
        of("nunique", xpx.nunique, X),
        of("one_hot", lambda i, x: xpx.one_hot(i, 6, dtype=x.dtype) * x, [2, 0, 1], X),
        of("pad", lambda x: xpx.pad(x, 2), X),
        of("pad sides", lambda x: xpx.pad(x, [(0, 1), (2, 0)], constant_values=1.5), TABLE),
        of("partition", lambda x: xpx.partition(x, 2), X),
        of("partition axis", lambda x: xpx.partition(x, 1, axis=0), TABLE),
        of("searchsorted", xpx.searchsorted, sorted(X), Y),
        of("setdiff1d", lambda x: xpx.setdiff1d(x, beside(x, Y)), X),
        of("union1d", xpx.union1d, X, Y),
        of("sinc", xpx.sinc, X),
        of("sinc at zero", xpx.sinc, [0.0, 0.4]),
        of("lazy_apply", lambda x: xpx.lazy_apply(twice, x), X),
        of("lazy_apply as NumPy", lambda x: xpx.lazy_apply(twice, x, as_numpy=True), X),
        of("tril_indices", lambda x: x[xpx.tril_indices(3, xp=array_namespace(x))], TABLE),
        of("triu_indices", lambda x: x[xpx.triu_indices(3, xp=array_namespace(x))], TABLE),
        of("diag_indices", lambda x: x[xpx.diag_indices(3, xp=array_namespace(x))], TABLE),
    ]


def root(x: Any) -> Any:
    """The square root, which must not see what it is not defined for."""
    return array_namespace(x).sqrt(x)


def twice(x: Any) -> Any:
    """2x."""
    return 2 * x


def times(x: Any, y: Any) -> Any:
    """xy."""
    return x * y


def plus(x: Any, y: Any) -> Any:
    """x + y."""
    return x + y


def with_nan(function: Any) -> Any:
    """The function of an array one of whose elements is replaced by nan."""

    def call(x: Any) -> Any:
        xp = array_namespace(x)
        return function(xp.where(x > 1.5, beside(x, [float("nan")]), x))

    return call


def _assignments() -> list[Case]:
    import array_api_extra as xpx

    places = {"slice": slice(1, 3), "step": slice(None, None, 2), "integer": 2}
    found = []
    for method in ("set", "add", "subtract", "multiply", "divide", "power", "min", "max"):
        for name, place in places.items():
            if name != "slice" and method not in ("set", "add"):
                continue

            def change(x: Any, v: Any, method: str = method, place: Any = place) -> Any:
                value = v[0] if place == 2 else v[: x[place].shape[0]]
                return getattr(xpx.at(xpx_positive(x), place), method)(value)

            found.append(case(f"array_api_extra.at {method} {name}", change, X, [1.3, 0.7, 2.1]))
    found += [
        case("array_api_extra.at set mask", lambda x: xpx.at(x)[mask(x)].set(0.5), X),
        case("array_api_extra.at add mask", lambda x, v: xpx.at(x)[mask(x)].add(v), X, 0.7),
        case(
            "array_api_extra.at add copy",
            lambda x, v: xpx.at(x, 1).add(v, copy=True) * x[1],
            X,
            0.7,
        ),
    ]
    return found


def xpx_positive(x: Any) -> Any:
    """Above zero, so that every method is smooth."""
    return x * x + 0.5
