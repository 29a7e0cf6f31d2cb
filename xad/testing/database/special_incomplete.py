"""The op database: incomplete gamma and beta functions, and Student's distribution."""

from __future__ import annotations

from xad.testing.opinfo import OpInfo
from xad.testing.special_entries import of_arrays

PARAMETER = (0.8, 3.0)
PROBABILITY = (0.15, 0.85)

OPS: list[OpInfo] = [
    of_arrays("betainc", PARAMETER, PARAMETER, PROBABILITY, constant=(0, 1)),
    of_arrays("betaincc", PARAMETER, PARAMETER, PROBABILITY, constant=(0, 1)),
    of_arrays("betaincinv", PARAMETER, PARAMETER, PROBABILITY, constant=(0, 1), tolerance=2e-5),
    of_arrays("gammainc", PARAMETER, (0.3, 3.0), constant=(0,)),
    of_arrays("gammaincc", PARAMETER, (0.3, 3.0), constant=(0,)),
    of_arrays("gammainccinv", PARAMETER, PROBABILITY, constant=(0,), tolerance=2e-5),
    of_arrays("gammaincinv", PARAMETER, PROBABILITY, constant=(0,), tolerance=2e-5),
    of_arrays("stdtr", PARAMETER, (-2.0, 2.0), constant=(0,)),
    of_arrays("stdtrit", PARAMETER, PROBABILITY, constant=(0,), tolerance=2e-5),
]
