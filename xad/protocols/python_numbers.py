"""Where an array of xad becomes a Python number, and may drop a derivative on the way.

``bool`` and ``int`` of an array are piecewise constant in its value: nothing is lost. ``float`` and
``complex`` are the value itself. A user who writes ``float(loss)`` asks for a number; inside a
transformation it is other people's code that does, computes on with the number, and would have the
transformation give a wrong derivative. There it is refused, with `xad.stop_gradient` as remedy.
"""

from __future__ import annotations

import sys
from opcode import opmap
from typing import Any

from xad.core.batching import Batched
from xad.core.recording import Recording
from xad.core.tape import Reverse
from xad.core.wrapper import BASE_LEVEL, Wrapper
from xad.errors import ConcreteValueError, NotDifferentiableError

_STORE = opmap["STORE_SUBSCR"]


def check_number(x: Any, wish: str) -> None:
    """Raise if ``float`` or ``complex`` of ``x`` would drop a derivative in silence."""
    while isinstance(x, Wrapper):
        if not isinstance(x, (Batched, Recording)) and getattr(x, "node", x) is not None:
            if x.level > BASE_LEVEL:
                raise ConcreteValueError(
                    f"{wish} inside a transformation would drop what it tracks "
                    f"({type(x).__name__}): use xad's functions there, or say so with "
                    "xad.stop_gradient(x) first"
                )
            if isinstance(x, Reverse) and _is_stored(sys._getframe(2)):
                raise NotDifferentiableError(
                    "array[i] = x: a tensor that requires grad would drop its gradient in an "
                    "array of another library: make that one a tensor too, or store x.detach()"
                )
        x = x.value


def _is_stored(frame: Any) -> bool:
    """Whether the frame is at an assignment ``array[i] = x``: NumPy's calls ``float`` unasked."""
    return bool(frame.f_code.co_code[frame.f_lasti] == _STORE)
