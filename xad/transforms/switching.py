"""What `disable_jit` and the debugging blocks have in common: they are on while a block runs."""

from __future__ import annotations

import threading
from contextlib import ContextDecorator
from types import TracebackType
from typing import Any, ClassVar, Self

__all__ = ["Switch"]


class Switch(ContextDecorator):
    """On in all threads from where its first ``with`` block begins to where the last one ends."""

    _lock: ClassVar[threading.Lock] = threading.Lock()
    _depth: ClassVar[int] = 0

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        cls._depth = 0

    @classmethod
    def is_on(cls) -> bool:
        """Whether a block of it runs now, in whatever thread."""
        return cls._depth > 0

    def _switch_on(self) -> None:
        """Called when the first block begins."""

    @classmethod
    def _switch_off(cls) -> None:
        """Called when the last block ends, or when `_switch_on` was interrupted."""

    def __enter__(self) -> Self:
        kind = type(self)
        with self._lock:
            kind._depth += 1
            if kind._depth == 1:
                try:
                    self._switch_on()
                except BaseException:
                    kind._depth = 0
                    self._switch_off()
                    raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        mine = type(self)
        with self._lock:
            mine._depth -= 1
            if mine._depth == 0:
                self._switch_off()
