"""The op database: Bessel functions."""

from __future__ import annotations

from typing import Any

from xad.testing.opinfo import OpInfo
from xad.testing.special_entries import of_arrays, of_one

ORDER = (0.5, 3.0)
POSITIVE = (0.4, 4.0)
ROUGH: dict[str, Any] = {"tolerance": 3e-6, "note": "torch's are right to 1e-6 only"}

OPS: list[OpInfo] = [
    *(of_one(name, -4.0, 4.0, 0.0, 1e-3, 9.0) for name in ("i0", "i1")),
    *(of_one(name, -4.0, 4.0, 0.0, 1e-3, 9.0, **ROUGH) for name in ("j0", "j1")),
    *(of_one(name, 0.4, 4.0, 9.0, **ROUGH) for name in ("y0", "y1")),
    *(of_one(name, -4.0, 4.0, 1e-3, 9.0) for name in ("i0e", "i1e")),
    *(of_one(name, 0.4, 4.0, 9.0) for name in ("k0", "k1", "k0e", "k1e")),
    *(of_arrays(name, ORDER, POSITIVE, constant=(0,)) for name in ("iv", "ive", "jv")),
    *(of_arrays(name, ORDER, POSITIVE, constant=(0,)) for name in ("kv", "kve", "yv")),
    of_arrays("yn", (2.0, 2.0), POSITIVE, constant=(0,)),
]
