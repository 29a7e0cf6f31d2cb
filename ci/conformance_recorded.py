"""xad's namespace for the official test suite, with every call made by way of a recorded program.

Each function and method is the real one; around it, the arrays that go in are recorded, what the
function does to them is written down, optimised and compiled, and the program runs on the arrays.
Its results go to the suite, after they were held against those of the recording itself.

A result whose shape depends on values cannot be recorded: such calls must raise
ConcreteValueError, and are then made as usual. They are counted, and no others may raise it.

It is a pytest plug-in too, for the closing counts.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple

import numpy as np
import pytest
from conformance_wrapped import Counts, namespace, wrap_methods

import xad
from xad import tree
from xad.array import Array
from xad.backend.registry import adapter_for, adapter_of
from xad.core.wrapper import innermost
from xad.errors import ConcreteValueError
from xad.programs.generate import generate
from xad.programs.optimise import optimise
from xad.transforms.program import listing_of

KEYS = "a mask, or an array as an index or a bound where a number is due"
MUST_REFUSE = {"nonzero", "unique_all", "unique_counts", "unique_inverse", "unique_values"}
MAY_REFUSE = {"repeat": "counts in an array", "__getitem__": KEYS, "__setitem__": KEYS}
# What asks for numbers, writes text or hands memory out; iteration goes through indexing.
PLAIN = {
    *("__bool__", "__complex__", "__float__", "__index__", "__int__", "__format__", "item"),
    *("__array__", "__dlpack__", "__dlpack_device__", "numpy", "__len__", "__iter__"),
}
SLACK = 200
"""By how many roundings a program may differ from its recording: passes may add up anew."""

counts = Counts(
    "{calls} calls of {names} functions recorded", "recorded", "refused, by their values"
)
recorded, refused = counts.counters
"""How often each function has run as a program, and has said that a shape depends on values."""

_inside = False


class Outcome(NamedTuple):
    """What a function returned while it was recorded: its arrays, all the rest, and the whole."""

    arrays: list[Any]
    leaves: list[Any]
    structure: tree.Structure

    def with_arrays(self, arrays: list[Any]) -> Any:
        """The same with other arrays."""
        rest = iter(arrays)
        return tree.unflatten(
            self.structure, [next(rest) if is_array(x) else x for x in self.leaves]
        )


def is_array(x: Any) -> bool:
    """Whether it is one, of whatever kind."""
    return isinstance(x, Array) or adapter_for(type(x)) is not None


def tensors(x: Any) -> list[xad.Tensor]:
    """All the tensors in arguments."""
    if isinstance(x, xad.Tensor):
        return [x]
    return [found for part in parts_of(x) for found in tensors(part)]


def parts_of(x: Any) -> list[Any]:
    """What is in a container, or in a slice."""
    if isinstance(x, (tuple, list)):
        return list(x)
    if isinstance(x, dict):
        return list(x.values())
    return [x.start, x.stop, x.step] if isinstance(x, slice) else []


def with_tensors(x: Any, replaced: Callable[[xad.Tensor], Any]) -> Any:
    """The same arguments with something else for each tensor, in the order of `tensors`."""
    if isinstance(x, xad.Tensor):
        return replaced(x)
    parts = [with_tensors(part, replaced) for part in parts_of(x)]
    if isinstance(x, dict):
        return dict(zip(x, parts, strict=True))
    if isinstance(x, slice):
        return slice(*parts)
    if isinstance(x, (tuple, list)):
        return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
    return x


def index_of(x: Any, among: list[Any]) -> int | None:
    """Where this very object is in the list."""
    return next((i for i, other in enumerate(among) if other is x), None)


def by_program(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """The function, recorded at each call and run as the program that comes of it."""

    @wraps(function)
    def call(*arguments: Any, **keywords: Any) -> Any:
        global _inside  # noqa: PLW0603
        if _inside:
            return function(*arguments, **keywords)
        _inside = True
        try:
            return _called(function, name, arguments, keywords)
        finally:
            _inside = False

    return call


def _called(function: Callable[..., Any], name: str, arguments: Any, keywords: Any) -> Any:
    taken = tensors([arguments, keywords])
    given = [x.value for x in taken]
    outcome: Any = None
    itself: list[int | None] = []

    def run(arrays: Any) -> list[Any]:
        nonlocal outcome
        nonlocal itself
        arrays = list(arrays)
        rest = iter(arrays)
        new, more = with_tensors([arguments, keywords], lambda _: next(rest))
        out = function(*new, **more)
        # An assignment gives its result by the array that it rebinds.
        leaves, structure = tree.flatten(new[0] if out is None and name == "__setitem__" else out)
        outcome = Outcome([x for x in leaves if is_array(x)], leaves, structure)
        itself = [index_of(x, arrays) for x in outcome.arrays]
        return outcome.arrays

    try:
        listing, _ = listing_of(name, run, given)
    except ConcreteValueError:
        if name not in MUST_REFUSE and name not in MAY_REFUSE:
            raise
        refused[name] += 1
        return function(*arguments, **keywords)
    assert name not in MUST_REFUSE, f"{name}: a shape that depends on values was recorded"
    if not outcome.arrays:
        return outcome.with_arrays([])
    results = _computed(listing, given, name, outcome)
    recorded[name] += 1
    if name == "__setitem__" or (name.startswith("__i") and name != "__invert__"):
        # The caller's own array is to change.
        done = function(*arguments, **keywords)
        _compare(name, results[0], innermost(arguments[0]))
        return done
    # Whoever gets an argument back, may write into it: that must be seen in the argument.
    whole = zip(results, itself, strict=True)
    return outcome.with_arrays([xad.Tensor(x) if i is None else taken[i] for x, i in whole])


def _computed(listing: Any, given: list[Any], name: str, outcome: Outcome) -> list[Any]:
    compiled = generate(optimise(listing))
    with np.errstate(all="ignore"):
        results = list(compiled.run(given))
    adapter = listing.adapter
    results = [x if is_array(x) else adapter.namespace.asarray(x) for x in results]
    for got, expected in zip(results, outcome.arrays, strict=True):
        _compare(name, got, innermost(expected))
    return results


def _compare(name: str, got: Any, expected: Any) -> None:
    adapter = adapter_of(expected)
    assert adapter_of(got) is adapter, f"{name}: a result in {adapter_of(got)}"
    for what, x, y in (
        ("shape", tuple(got.shape), tuple(expected.shape)),
        ("dtype", got.dtype, expected.dtype),
        ("device", adapter.device_of(got), adapter.device_of(expected)),
    ):
        assert x == y, f"{name}: a result of {what} {x}, not {y}"
    if not xad.isdtype(expected.dtype, ("real floating", "complex floating")):
        np.testing.assert_array_equal(adapter.host_copy(got), adapter.host_copy(expected), name)
        return
    x, y = adapter.host_copy(adapter.rewrap(got)), adapter.host_copy(adapter.rewrap(expected))
    if np.array_equal(x, y, equal_nan=True):
        return
    size = np.max(np.abs(y), initial=0.0, where=np.isfinite(y))
    bound = SLACK * np.finfo(y.dtype).eps
    np.testing.assert_allclose(x, y, rtol=bound, atol=bound * size, err_msg=name)


# ---- the namespace ------------------------------------------------------------------------------

__getattr__ = namespace(by_program, kept={"from_dlpack"})
wrap_methods(by_program, PLAIN)


def pytest_configure(config: pytest.Config) -> None:
    """Add the counts to the report."""
    config.pluginmanager.register(counts)
