"""For tests of code written with xad: gradient checks, places to test on, the op database.

Nothing here needs pytest.
"""

from __future__ import annotations

from xad.testing.backends import Place, place, places, selected_place, to_host
from xad.testing.gradients import check_grads

__all__ = ["Place", "check_grads", "place", "places", "selected_place", "to_host"]
