"""The calls of the op database, which `xad.testing.calls` makes."""

from xad.testing.calls import (
    DOUBLE,
    KINDS,
    Call,
    arrays_of,
    assert_same,
    calls,
    inner,
    random_like,
    several_seeds,
    subsets,
)

__all__ = [
    "DOUBLE",
    "KINDS",
    "Call",
    "arrays_of",
    "assert_same",
    "calls",
    "inner",
    "random_like",
    "several_seeds",
    "subsets",
]
