"""What the namespaces for the official test suite share: each call made in another way, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container
from types import FunctionType, MethodType, SimpleNamespace
from typing import Any

import pytest

import xad
from xad.array import Array

Wrap = Callable[[Callable[..., Any], str], Callable[..., Any]]

CONSTRUCTED = "fft linalg"
UNTOUCHED = {"__array_namespace__", "__array_namespace_info__"}


def namespace(wrap: Wrap, kept: Container[str] = ()) -> Callable[[str], Any]:
    """A module's ``__getattr__``: what xad has by each name, with its functions wrapped."""

    def face(name: str, value: Any) -> Any:
        is_function = isinstance(value, (FunctionType, MethodType)) and name not in UNTOUCHED
        return wrap(value, name) if is_function and name not in kept else value

    def find(name: str) -> Any:
        value = getattr(xad, name)
        if name not in CONSTRUCTED.split():
            return face(name, value)
        return SimpleNamespace(**{part: face(part, getattr(value, part)) for part in dir(value)})

    return find


def wrap_methods(wrap: Wrap, kept: Container[str]) -> None:
    """Wrap the methods of tensors too, but for those ``kept``."""
    for name, method in list(vars(Array).items()):
        if name in kept or name in UNTOUCHED:
            continue
        if isinstance(method, FunctionType) and (name[:2] == "__" or name[0] != "_"):
            setattr(Array, name, wrap(method, name))
        elif isinstance(method, property) and name in ("T", "mT"):
            assert method.fget is not None
            setattr(Array, name, property(wrap(method.fget, name)))


class Counts:
    """A pytest plug-in: how often each name was counted, over all processes, under two titles."""

    def __init__(self, summary: str, *titles: str) -> None:
        self.summary = summary
        self.titles = titles
        self.counters: tuple[Counter[str], ...] = tuple(Counter() for _ in titles)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Send the counts, if others share the tests."""
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput["counts"] = [dict(counter) for counter in self.counters]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Add what a process has sent."""
        sent = getattr(node, "workeroutput", {}).get("counts", [])
        for counter, more in zip(self.counters, sent, strict=False):
            counter.update(more)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say how often, and what."""
        first = self.counters[0]
        terminalreporter.write_line(self.summary.format(calls=first.total(), names=len(first)))
        for title, counter in zip(self.titles, self.counters, strict=True):
            listed = ", ".join(f"{name} {n}" for name, n in sorted(counter.items()))
            terminalreporter.write_line(f"{title}: {listed}")
