"""``disable_jit``: run what `jit` made as it is written, to look into it."""

from __future__ import annotations

from xad.transforms.debugging import debug_nans
from xad.transforms.switching import Switch

__all__ = ["disable_jit", "is_disabled"]


class disable_jit(Switch):  # noqa: N801 - JAX's name for it
    """Run functions made by `jit` as they are written, while the ``with`` block runs.

    For debugging: breakpoints, prints and ``float(x)`` work there. It holds for all threads.
    `xad.debug_nans` does the same, so that it can name the line.

    >>> import numpy as np, xad
    >>> double = xad.jit(lambda x: x * 2 if float(x) > 0 else x)
    >>> with xad.disable_jit():
    ...     double(np.asarray(3.0)).item()
    6.0

    Source: JAX, ``jax.disable_jit``.
    """


def is_disabled() -> bool:
    """Whether programs are not to run now, for `disable_jit` or for `xad.debug_nans`."""
    return disable_jit._depth > 0 or debug_nans._depth > 0  # asked at every call
