"""The op database: sin(x)/x and other functions with a filled hole, Box and Cox."""

from __future__ import annotations

from xad.testing.opinfo import ErrorCase, Maker, OpInfo
from xad.testing.special_entries import of_arrays, of_one, with_number


def _order_errors(make: Maker) -> list[ErrorCase]:
    return [ErrorCase((0.5, make.array(2)), TypeError, "expected a whole number 'n', got 0.5")]


OPS: list[OpInfo] = [
    of_one("exprel", -3.0, 3.0, 0.0, 1e-3, -30.0, 5.0),
    of_one("sinc", -3.0, 3.0, 0.0, 1e-3),
    of_one("spence", 0.3, 3.0, 1.0),
    of_arrays("boxcox", (0.3, 3.0), (-2.0, 2.0)),
    of_arrays("boxcox1p", (-0.5, 3.0), (-2.0, 2.0)),
    of_arrays("inv_boxcox", (-0.4, 0.4), (-2.0, 2.0)),
    of_arrays("inv_boxcox1p", (-0.4, 0.4), (-2.0, 2.0)),
    with_number("spherical_jn", lambda z: (2, z), -6.0, 6.0, _order_errors),
]
