"""Rules run where libraries keep quiet: slopes have poles that the results may not have."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from typing import Any, TypeVar

from xad.backend.registry import adapter_of
from xad.core.wrapper import innermost

Result = TypeVar("Result")


def quietly(like: Any, rule: Callable[..., Result], *arguments: Any) -> Result:
    """``rule(*arguments)``, without the warnings of the library of ``like``.

    In a context of its own: what is silenced there is heard again after Ctrl-C too, which may come
    between `with` and its block.
    """
    return copy_context().run(_silenced, innermost(like), rule, arguments)


def _silenced(like: Any, rule: Callable[..., Result], arguments: tuple[Any, ...]) -> Result:
    with adapter_of(like).around_rules(like):
        return rule(*arguments)
