"""The op database: error functions, the normal distribution, exponential integrals."""

from __future__ import annotations

from xad.testing.opinfo import ErrorCase, Maker, OpInfo
from xad.testing.special_entries import of_one, scipy_special, with_number


def _order_errors(make: Maker) -> list[ErrorCase]:
    return [
        ErrorCase((0.5, make.array(2)), TypeError, "expected a whole number 'n', got 0.5"),
        ErrorCase((-1, make.array(2)), ValueError, "'n' of at least 0, got -1"),
    ]


def _complex(name: str) -> OpInfo:
    return OpInfo(
        f"special.{name}",
        lambda make: of_one(name, -1.5, 1.5).samples(make),
        scipy_special(name),
        kinds="c",
        differentiable="c",
    )


OPS: list[OpInfo] = [
    of_one("dawsn", -2.0, 2.0, -30.0, 19.0, 21.0),
    of_one("erfcinv", 0.2, 1.8),
    of_one("erfcx", -2.0, 2.0, 10.0, 19.0, 21.0, 60.0),
    of_one("erfi", -2.0, 2.0),
    of_one("erfinv", -0.8, 0.8),
    of_one("exp1", 0.3, 3.0),
    of_one("expi", -3.0, -0.3, 0.5, 2.0),
    of_one("log_ndtr", -2.0, 2.0, -30.0, -5.0, 0.0, 5.0, 30.0),
    of_one("ndtr", -2.0, 2.0, -5.0, 5.0),
    of_one("ndtri", 0.2, 0.8),
    of_one("ndtri_exp", -3.0, -0.3),
    _complex("wofz"),
    with_number("expn", lambda x: (2, x), 0.3, 3.0, _order_errors),
]
