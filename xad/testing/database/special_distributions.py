"""The op database: probability distributions."""

from __future__ import annotations

from xad.testing.opinfo import OpInfo
from xad.testing.special_entries import of_arrays

FREEDOM = (1.5, 5.0)
POSITIVE = (0.3, 3.0)

OPS: list[OpInfo] = [
    of_arrays("chdtr", FREEDOM, POSITIVE, constant=(0,)),
    of_arrays("chdtrc", FREEDOM, POSITIVE, constant=(0,)),
    of_arrays("chdtri", FREEDOM, (0.15, 0.85), constant=(0,), tolerance=2e-5),
    of_arrays("fdtr", FREEDOM, FREEDOM, POSITIVE, constant=(0, 1)),
    of_arrays("fdtrc", FREEDOM, FREEDOM, POSITIVE, constant=(0, 1)),
    of_arrays("gdtr", POSITIVE, POSITIVE, POSITIVE, constant=(1,)),
    of_arrays("gdtrc", POSITIVE, POSITIVE, POSITIVE, constant=(1,)),
    of_arrays("pdtr", (0.1, 4.0), POSITIVE, constant=(0,)),
    of_arrays("pdtrc", (0.1, 4.0), POSITIVE, constant=(0,)),
]
