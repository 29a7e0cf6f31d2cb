"""Tell people how far it is: a bar on a terminal that has tqdm, else plain lines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, TextIO

__all__ = ["Progress", "bar"]


def _tqdm(stream: TextIO) -> Any:
    """The bar of tqdm, if there is one to watch it and it is installed."""
    if not stream.isatty():
        return None
    try:
        return import_module("tqdm").tqdm
    except ImportError:
        return None


@contextmanager
def bar(total: int, name: str) -> Iterator[Callable[[int], Any]]:
    """A bar for so many bytes; yields the function that moves it on."""
    tqdm = _tqdm(sys.stderr)
    if tqdm is None:
        yield lambda count: None
        return
    with tqdm(total=total or None, desc=name, unit="B", unit_scale=True, leave=False) as shown:
        yield shown.update


class Progress:
    """A line for each epoch, and a bar while it runs."""

    def __init__(self, wanted: bool | TextIO, epochs: int) -> None:
        stream = sys.stderr if isinstance(wanted, bool) else wanted
        self._stream = stream if wanted is not False else None
        self._tqdm = None if self._stream is None else _tqdm(self._stream)
        self._epochs = epochs
        self._bar: Any = None

    def begin(self, epoch: int, examples: int) -> None:
        """An epoch begins, with so many examples to go through."""
        if self._tqdm is not None:
            self._bar = self._tqdm(
                total=examples,
                desc=f"epoch {epoch}/{self._epochs}",
                unit=" examples",
                unit_scale=True,
                leave=False,
                file=self._stream,
            )

    def advance(self, examples: int, values: dict[str, float]) -> None:
        """So many examples more are done; ``values`` are the means up to now."""
        if self._bar is not None:
            self._bar.update(examples)
            self._bar.set_postfix(values)

    def end(self) -> None:
        """The epoch is over, or broke off."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def line(self, epoch: int, values: dict[str, float], examples_per_second: float) -> None:
        """What came of an epoch."""
        shown = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        width = len(str(self._epochs))
        self.say(
            f"epoch {epoch:>{width}}/{self._epochs}  {shown}  {examples_per_second:,.0f} examples/s"
        )

    def say(self, text: str) -> None:
        """A line of text."""
        if self._stream is not None:
            self._stream.write(text + "\n")
            self._stream.flush()
