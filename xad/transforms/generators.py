"""NumPy's generators of random numbers among a recorded function's arguments."""

from __future__ import annotations

import copy
import pickle
import random
import threading
import warnings
from collections.abc import Callable, Iterable
from functools import partial
from operator import methodcaller
from time import perf_counter, sleep
from typing import Any

import numpy as np

from xad import tree
from xad.backend.registry import adapter_of
from xad.core.diagnosis import SCALARS
from xad.core.prologue import Place
from xad.core.recording import Recorder
from xad.core.wrapper import Wrapper, innermost
from xad.errors import ConcreteValueError, ProgramError
from xad.transforms.numbers import Number

__all__ = ["Drawing", "is_generator", "without_draws"]

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
        arguments, keywords = tree.map(partial(_plain, name, recorder), (arguments, keywords))
        call = methodcaller(name, *arguments, **keywords)
        found = call(self._mine)
        place = recorder.prologue.draw(call, self.place, found)
        if not _is_numeric(found):
            raise ProgramError(
                f"rng.{name} while a program is recorded: expected numbers, got "
                f"{getattr(found, 'dtype', type(found).__name__)}; draw positions with "
                "rng.integers, outside of the function"
            )
        if isinstance(found, np.bool_):
            place = recorder.prologue.step(np.asarray, place)
        elif not isinstance(found, np.ndarray):
            return Number(found, place, recorder, self._level)
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


def _is_numeric(x: Any) -> bool:
    if isinstance(x, (np.ndarray, np.generic)):
        return x.dtype.kind in "biufc"
    return type(x) in SCALARS


def _moved(adapter: Any, device: Any, host: Any) -> Any:
    return adapter.from_host(host, device)


def _plain(name: str, recorder: Recorder, x: Any) -> Any:
    """A parameter of a draw, whose value must be known."""
    if isinstance(x, Number):
        return x.ask()
    if isinstance(x, Wrapper):
        error = ConcreteValueError(
            f"rng.{name} while a program is recorded: expected parameters whose values are known, "
            f"got {type(x).__name__}; draw standard numbers and scale them: "
            "mean + deviation * rng.standard_normal(shape)"
        )
        raise recorder.refused(error)
    return x


# ---- generators that are not arguments -----------------------------------------------------------


def _set_state(bits: Any, state: Any) -> None:
    bits.state = state


_STATES: dict[type, tuple[str, Callable[[Any], Any], Callable[[Any, Any], None]]] = {
    np.random.Generator: (
        "a numpy.random.Generator",
        lambda x: x.bit_generator.state,
        lambda x, state: _set_state(x.bit_generator, state),
    ),
    np.random.BitGenerator: ("a numpy.random.BitGenerator", lambda x: x.state, _set_state),
    np.random.RandomState: (
        "a numpy.random.RandomState",
        lambda x: x.get_state(legacy=False),
        lambda x, state: x.set_state(state),
    ),
    random.Random: (
        "a random.Random",
        lambda x: x.getstate(),
        lambda x, state: x.setstate(state),
    ),
}
_OF_NUMPY, _OF_PYTHON = np.random.rand.__self__, random.random.__self__  # type: ignore[attr-defined]
_GLOBAL = {id(_OF_NUMPY), id(_OF_PYTHON)}


def is_global(generator: Any) -> bool:
    """Whether this is NumPy's or Python's global generator."""
    return id(generator) in _GLOBAL


def is_generator(x: Any) -> bool:
    """Whether this draws random numbers on the host."""
    return isinstance(x, tuple(_STATES))


def without_draws(record: Callable[[], Any], generators: Iterable[Any]) -> Any:
    """What ``record`` gives, if it draws from none of the generators, nor from global ones.

    Other threads may draw from the global ones at any time: where one may have, it is recorded
    again; then somebody who draws all the time is told from the function by waiting.

    Errors: ProgramError if it draws; the numbers are there for who draws next. There is a warning
    if nobody can tell.
    """
    watched = [x for x in generators if not is_global(x) and _has_state(x)]
    everybodys = (_OF_NUMPY, _OF_PYTHON)
    at_first = _states(everybodys)
    for _ in range(2):
        before, states, begun = _states(watched), _states(everybodys), perf_counter()
        found = record()
        after = _states(everybodys)
        alone = threading.active_count() == 1
        for x, was in zip(watched, before, strict=True):
            if _states([x]) != [was]:
                _put_back(watched, before)
                raise _drew(_ways(x)[0])
        if after == states:
            return found
        if alone:
            break
    name = "random" if after[0] == states[0] else "numpy.random"
    if not alone:
        sleep(max(perf_counter() - begun, 0.01))
        if _states(everybodys) != after:
            warnings.warn(
                f"xad.jit: {name} was drawn from while a function was recorded, and other threads "
                "draw from it; if the function did too, its program gives the same numbers at "
                "every call: pass a generator, f(x, rng) with rng = numpy.random.default_rng(seed)",
                stacklevel=4,
            )
            return found
    _put_back(everybodys, at_first)
    raise _drew(name)


def _has_state(x: Any) -> bool:
    return not isinstance(x, (Drawing, random.SystemRandom))


def _ways(x: Any) -> tuple[str, Callable[[Any], Any], Callable[[Any, Any], None]]:
    """What a generator is called, and how its state is read and written."""
    return next(ways for kind, ways in _STATES.items() if isinstance(x, kind))


def _states(generators: Iterable[Any]) -> list[bytes]:
    return [pickle.dumps(_ways(x)[1](x)) for x in generators]


def _put_back(generators: Iterable[Any], states: Iterable[bytes]) -> None:
    for x, state in zip(generators, states, strict=True):
        _ways(x)[2](x, pickle.loads(state))


def _drew(name: str) -> ProgramError:
    return ProgramError(
        f"xad.jit: expected random numbers from a numpy.random.Generator among the arguments, got "
        f"some from {name} outside, which would be the same at every call; pass the generator: "
        "f(x, rng) with rng = numpy.random.default_rng(seed)"
    )
