"""The op database: gamma and beta functions."""

from __future__ import annotations

from xad.testing.opinfo import ErrorCase, Maker, OpInfo
from xad.testing.special_entries import of_arrays, of_one, with_number


def _whole_errors(make: Maker) -> list[ErrorCase]:
    x = make.array(2)
    return [
        ErrorCase((1.5, x), TypeError, "expected a whole number 'n', got 1.5"),
        ErrorCase((-1, x), ValueError, "'n' of at least 0, got -1"),
        ErrorCase((1, [1.0]), TypeError, "expected an array, got list"),
    ]


def _dimension_errors(make: Maker) -> list[ErrorCase]:
    a = make.array(2)
    return [
        ErrorCase((a, 1.5), TypeError, "expected a whole number 'd', got 1.5"),
        ErrorCase((a, 0), ValueError, "'d' of at least 1, got 0"),
        ErrorCase(([1.0], 2), TypeError, "expected an array, got list"),
    ]


OPS: list[OpInfo] = [
    of_one("gamma", 0.3, 4.0, -1.5, -0.5, 5.0, 8.5),
    of_one("gammaln", 0.3, 4.0, -1.5, -0.5, 60.0),
    of_one("gammasgn", 0.3, 4.0, -2.5, -1.5, -0.5, 5.0),
    of_one("loggamma", 0.3, 4.0, 60.0),
    of_one("psi", 0.3, 4.0, -1.5, -0.5, 60.0),
    of_one("digamma", 0.3, 4.0),
    of_one("rgamma", -2.5, 4.0, -3.0, -1.0, 0.0, 0.5),
    of_one("factorial", 0.3, 4.0, -1.5, 5.0),
    of_arrays("beta", (0.3, 3.0), (0.3, 3.0)),
    of_arrays("betaln", (0.3, 3.0), (0.3, 3.0)),
    of_arrays("binom", (3.0, 5.0), (0.3, 2.5)),
    of_arrays("poch", (0.3, 3.0), (0.3, 3.0)),
    of_arrays("zeta", (1.5, 4.0), (0.3, 3.0), constant=(0,)),
    with_number("polygamma", lambda x: (2, x), 0.3, 4.0, _whole_errors),
    with_number("multigammaln", lambda x: (x, 3), 1.5, 4.0, _dimension_errors),
]
