"""NumPy's generators of random numbers among a recorded function's arguments."""

from __future__ import annotations

import copy
import pickle
import random
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from operator import methodcaller
from typing import Any

import numpy as np

from xad import tree
from xad.backend.registry import adapter_of
from xad.core.prologue import Place
from xad.core.recording import Recorder
from xad.core.wrapper import Wrapper, innermost
from xad.errors import ConcreteValueError, ProgramError
from xad.transforms.numbers import Number

__all__ = ["Drawing", "check_unmoved", "states_of"]

_NOT_DRAWS = {"bit_generator", "bytes", "shuffle", "spawn"}


class Drawing(np.random.Generator):
    """A generator that stands for one among the arguments; its draws are made at every call.

    While the function is recorded a copy answers, so that the generator itself does not move. The
    program makes the draws first, in their order, and passes the arrays in: results are those of
    eager code, bit for bit. ``like``: an array of the library that the draws go to.
    """

    def __init__(
        self, source: np.random.Generator, place: Place, recorder: Recorder, level: int, like: Any
    ) -> None:
        mine = copy.deepcopy(source)
        super().__init__(mine.bit_generator)
        self._mine = mine
        self.place = place
        self._recorder = recorder
        self._level = level
        self._like = like

    def _draw(self, name: str, arguments: Any, keywords: dict[str, Any]) -> Any:
        recorder = self._recorder
        recorder.check_open(f"rng.{name}")
        if keywords.get("out") is not None:
            _refuse(f"{name}(out=...)")
        arguments, keywords = tree.map(partial(_plain, name), (arguments, keywords))
        call = methodcaller(name, *arguments, **keywords)
        found = call(self._mine)
        place = recorder.prologue.draw(call, self.place, found)
        if not isinstance(found, np.ndarray):
            # Beside arrays NumPy's scalars are numbers too.
            python = recorder.prologue.step(_number, place)
            return Number(recorder.prologue.examples[python.number], python, recorder, self._level)
        if self._like is not None:
            plain = innermost(self._like)
            adapter = adapter_of(plain)
            if adapter.name != "numpy":
                there = partial(_moved, adapter, adapter.device_of(plain))
                place = recorder.prologue.step(there, place)
        variable = recorder.imported_from(place)
        example = recorder.examples[variable.number]
        return recorder.kind(example, variable, recorder, self._level)


def _drawing(name: str) -> Callable[..., Any]:
    def method(self: Drawing, *arguments: Any, **keywords: Any) -> Any:
        return self._draw(name, arguments, keywords)

    return method


def _refuse(name: str) -> Any:
    raise ProgramError(
        f"rng.{name} while a program is recorded: expected a draw, such as rng.random or "
        "rng.permutation, which the program can repeat; do it outside of the function"
    )


def _refusing(name: str) -> property:
    def refuse(self: Drawing) -> Any:
        return _refuse(name)

    return property(refuse)


for _name in dir(np.random.Generator):
    if _name in _NOT_DRAWS:
        setattr(Drawing, _name, _refusing(_name))
    elif not _name.startswith("_"):
        setattr(Drawing, _name, _drawing(_name))


def _number(x: Any) -> Any:
    return x.item() if isinstance(x, np.generic) else x


def _moved(adapter: Any, device: Any, host: Any) -> Any:
    return adapter.from_host(host, device)


def _plain(name: str, x: Any) -> Any:
    """A parameter of a draw, whose value must be known."""
    if isinstance(x, Number):
        return x.ask()
    if isinstance(x, Wrapper):
        raise ConcreteValueError(
            f"rng.{name} while a program is recorded: expected parameters whose values are known, "
            f"got {type(x).__name__}; draw standard numbers and scale them: "
            "mean + deviation * rng.standard_normal(shape)"
        )
    return x


# ---- generators that are not arguments -----------------------------------------------------------


def states_of(held: Iterable[Any]) -> list[tuple[str, Callable[[], Any], Any]]:
    """The generators that a function takes from outside: name, how to see its state, its state.

    NumPy's and Python's global ones are among them.
    """
    watched: list[tuple[str, Callable[[], Any]]] = [
        ("numpy.random", _global_state),
        ("random", random.getstate),
    ]
    watched += [("a numpy.random.Generator", partial(_state, x)) for x in _generators(held)]
    return [(name, state, pickle.dumps(state())) for name, state in watched]


def _state(generator: np.random.Generator) -> Any:
    return generator.bit_generator.state


def _global_state() -> Any:
    return np.random.get_state(legacy=False)


def _generators(held: Iterable[Any]) -> Iterator[np.random.Generator]:
    for x in held:
        for leaf in tree.leaves(x):
            if isinstance(leaf, np.random.Generator):
                yield leaf


def check_unmoved(states: list[tuple[str, Callable[[], Any], Any]]) -> None:
    """ProgramError if one of the generators was drawn from since."""
    for name, state, before in states:
        if pickle.dumps(state()) != before:
            raise ProgramError(
                f"xad.jit: expected random numbers from a generator among the arguments, got some "
                f"from {name} outside, which would be the same at every call; pass the generator: "
                "f(x, rng) with rng = numpy.random.default_rng(seed)"
            )
