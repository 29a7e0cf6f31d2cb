"""``no_grad``: stop recording for a while."""

from __future__ import annotations

import threading
from contextlib import ContextDecorator
from contextvars import ContextVar, Token
from types import TracebackType

from xad.core.wrapper import fresh_level

_before: ContextVar[int] = ContextVar("xad_no_grad_before", default=-1)
_lock = threading.Lock()
running = 0
"""How many `no_grad` blocks there are now: a hint that spares every operation a look-up."""


def paused(level: int) -> bool:
    """Whether graphs of this level are not to grow now."""
    return running > 0 and level < _before.get()


class no_grad(ContextDecorator):  # noqa: N801 - PyTorch's name
    """Record nothing while the ``with`` block (or the decorated function) runs.

    It holds for tensors with ``requires_grad`` and for transformations begun outside the block; a
    ``grad`` begun inside works as ever. Other threads are not affected.

    >>> import xad
    >>> x = xad.asarray([1.0, 2.0], requires_grad=True)
    >>> with xad.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    def __init__(self) -> None:
        self._tokens: list[Token[int]] = []

    def _recreate_cm(self) -> no_grad:
        """A block of its own for each call of a decorated function: threads call it at once."""
        return no_grad()

    def __enter__(self) -> None:
        global running  # noqa: PLW0603
        with _lock:
            running += 1
        self._tokens.append(_before.set(fresh_level()))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        global running  # noqa: PLW0603
        _before.reset(self._tokens.pop())
        with _lock:
            running -= 1
