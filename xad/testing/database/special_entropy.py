"""The op database: entropies, logarithms with a factor, losses."""

from __future__ import annotations

from xad.testing.opinfo import OpInfo
from xad.testing.special_entries import of_arrays, of_one

POSITIVE = (0.3, 3.0)

OPS: list[OpInfo] = [
    of_one("cbrt", 0.3, 3.0, -8.0, 27.0),
    of_one("cosm1", -3.0, 3.0, 0.0, 1e-3),
    of_one("entr", 0.3, 3.0),
    of_one("exp2", -3.0, 3.0),
    of_one("exp10", -3.0, 3.0),
    of_one("logit", 0.1, 0.9),
    of_arrays("huber", (0.5, 1.0), (-2.0, 2.0)),
    of_arrays("kl_div", POSITIVE, POSITIVE),
    of_arrays("pseudo_huber", (0.5, 1.0), (-2.0, 2.0)),
    of_arrays("rel_entr", POSITIVE, POSITIVE),
    of_arrays("xlog1py", (-2.0, 2.0), (-0.7, 2.0)),
]
