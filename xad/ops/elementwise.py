"""The standard's elementwise functions, gathered from the files that define them."""

from __future__ import annotations

from xad.ops import (
    clipping,
    elementwise_arithmetic,
    elementwise_complex,
    elementwise_discrete,
    elementwise_exponential,
    elementwise_trigonometric,
)
from xad.ops.clipping import *  # noqa: F403
from xad.ops.elementwise_arithmetic import *  # noqa: F403
from xad.ops.elementwise_complex import *  # noqa: F403
from xad.ops.elementwise_discrete import *  # noqa: F403
from xad.ops.elementwise_exponential import *  # noqa: F403
from xad.ops.elementwise_trigonometric import *  # noqa: F403

__all__: list[str] = []
__all__ += clipping.__all__
__all__ += elementwise_arithmetic.__all__
__all__ += elementwise_complex.__all__
__all__ += elementwise_discrete.__all__
__all__ += elementwise_exponential.__all__
__all__ += elementwise_trigonometric.__all__
