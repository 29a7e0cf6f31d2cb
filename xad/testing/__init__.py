"""For tests of code written with xad: gradient checks, places to test on, checks of operations.

Nothing here needs pytest.
"""

from __future__ import annotations

from xad.testing.backends import Place, place, places, selected_place, to_host
from xad.testing.gradients import check_grads
from xad.testing.operations import check_operation
from xad.testing.opinfo import Maker, OpInfo, Sample, binary_samples, unary_samples

__all__ = [
    "Maker",
    "OpInfo",
    "Place",
    "Sample",
    "binary_samples",
    "check_grads",
    "check_operation",
    "place",
    "places",
    "selected_place",
    "to_host",
    "unary_samples",
]
